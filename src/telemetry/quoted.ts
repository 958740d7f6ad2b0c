/** Text from outside inside lines for people: whatever it contains, a line stays one line of limited length. */

/** In quotation marks. `longest`: characters shown; for a longer text its length is added. */
export function quoted(text: string, longest = 64): string {
  const { shown, cut } = beginning(text, longest)
  return `"${shown.replace(/["\\]/g, '\\$&').replace(unprintable, escaped)}"${cut ? `… (${text.length} characters)` : ''}`
}

/** Without quotation marks, for sentences that may repeat foreign text. */
export function oneLine(text: string, longest = 512): string {
  const { shown, cut } = beginning(text, longest)
  return `${shown.replace(unprintable, escaped)}${cut ? '…' : ''}`
}

/** Control characters, characters that change the text's direction, lone surrogates, and all spaces but U+0020. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

const escaped = (character: string): string =>
  character === '\n' ? '\\n' : `\\u{${character.codePointAt(0)!.toString(16)}}`

/** Examines only as much of the text as is shown. */
function beginning(text: string, longest: number): { readonly shown: string; readonly cut: boolean } {
  const characters = [...text.slice(0, 2 * longest + 1)]
  return characters.length > longest
    ? { shown: characters.slice(0, longest).join(''), cut: true }
    : { shown: text, cut: false }
}
