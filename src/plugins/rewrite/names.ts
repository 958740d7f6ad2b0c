/** Makes names of the texts that rules have. */
import { NameError, parseName } from '../../dns/name.ts'

/** A text of the Corefile with characters beyond ASCII escaped as names have them: octet by octet of UTF-8 (`\195\169`). */
export const escaped = (text: string): string =>
  text.replace(/[^\0-\x7f]+/g, (found) => [...Buffer.from(found)].map((octet) => `\\${octet}`).join(''))

/**
 * The name itself. Throws NameError for a text that is not one: too long, or cut within an escape, so that it would be read as
 * another name.
 */
export function validName(name: string): string {
  if (parseName(name) !== name) throw new NameError(`"${name}" would be read as another name`)
  return name
}
