/** Texts from outside in lines for people: whatever they contain, a line stays one line of bounded length. */

/** In quotation marks. `longest`: characters that are shown; of a longer text the length is shown, too. */
export function quoted(text: string, longest = 64): string {
  const { shown, cut } = beginning(text, longest)
  return `"${shown.replace(/["\\]/g, '\\$&').replace(unprintable, escaped)}"${cut ? `… (${text.length} characters)` : ''}`
}

/** Without quotation marks, for sentences that may repeat what others wrote. */
export function oneLine(text: string, longest = 512): string {
  const { shown, cut } = beginning(text, longest)
  return `${shown.replace(unprintable, escaped)}${cut ? '…' : ''}`
}

/** Control characters, those that turn the direction of text, lone surrogates, and every space but the usual one. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

const escaped = (character: string): string =>
  character === '\n' ? '\\n' : `\\u{${character.codePointAt(0)!.toString(16)}}`

/** Only as much of the text is looked at as is shown. */
function beginning(text: string, longest: number): { readonly shown: string; readonly cut: boolean } {
  const characters = [...text.slice(0, 2 * longest + 1)]
  return characters.length > longest
    ? { shown: characters.slice(0, longest).join(''), cut: true }
    : { shown: text, cut: false }
}
