/** Words of zone-file text (RFC 1035 §5.1): escapes, quotes, comments. */

/** A word of a record's text, with its escapes but without its quotes. */
export interface Word {
  readonly text: string
  readonly quoted: boolean
}

/** Splits at blanks outside quotes; a `;` outside quotes ends the line; parentheses only join lines. */
export function splitWords(text: string): Word[] {
  const words: Word[] = []
  const pattern = /"((?:[^"\\]|\\[\s\S])*)"|((?:[^\s"();\\]|\\[\s\S])+)|[()\s]+|(;.*$)|([\s\S])/gm
  for (const [, inQuotes, bare, , stray] of text.matchAll(pattern)) {
    if (stray !== undefined) throw new RangeError(`"${text}" has an unfinished quote or escape`)
    const word = inQuotes ?? bare
    if (word !== undefined) words.push({ text: word, quoted: inQuotes !== undefined })
  }
  return words
}

/** The octets of a word: `\\DDD` and `\\X` resolved, the rest as UTF-8. */
export function undoEscapes(text: string): Uint8Array {
  const octets: number[] = []
  for (let at = 0; at < text.length; at++) {
    const decimal = text[at] === '\\' ? /^\d{3}/.exec(text.slice(at + 1, at + 4)) : undefined
    if (decimal && Number(decimal[0]) <= 255) {
      octets.push(Number(decimal[0]))
      at += 3
      continue
    }
    if (text[at] === '\\') at++
    const character = String.fromCodePoint(text.codePointAt(at)!)
    octets.push(...Buffer.from(character, 'utf8'))
    at += character.length - 1
  }
  return Uint8Array.from(octets)
}
