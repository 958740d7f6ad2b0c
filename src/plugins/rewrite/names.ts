/** Names that rules make out of texts. */
import { NameError, parseName } from '../../dns/name.ts'

/** A text of the Corefile as names have it: characters beyond ASCII stand for their UTF-8 octets (`\195\169`). */
export const spelled = (text: string): string =>
  text.replace(/[^\0-\x7f]+/g, (found) => [...Buffer.from(found)].map((octet) => `\\${octet}`).join(''))

/**
 * The name itself. Throws NameError for a text that is not one: too long, or cut within an escape, so that it would be read as
 * another name.
 */
export function valid(name: string): string {
  if (parseName(name) !== name) throw new NameError(`"${name}" would be read as another name`)
  return name
}
