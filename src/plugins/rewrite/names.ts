/** Names from the texts of rules. */
import { NameError, parseName } from '../../dns/name.ts'

/** Escapes characters beyond ASCII as names spell them: each octet of UTF-8 (`\195\169`). */
export const escaped = (text: string): string =>
  text.replace(/[^\0-\x7f]+/g, (found) => [...Buffer.from(found)].map((octet) => `\\${octet}`).join(''))

/**
 * Returns the name. Throws NameError for a text that is not a name: too long, or cut within an escape, so that it would
 * be read as another name.
 */
export function validName(name: string): string {
  if (parseName(name) !== name) throw new NameError(`"${name}" would be read as another name`)
  return name
}
