/** The shape of TXT records. */

/**
 * Octets that the TXT records of one name may take of a reply. A message has at most 65,535 octets (RFC 1035 §4.2.2);
 * the question, uncompressed names and EDNS options need the rest.
 */
export const maxTxtOctets = 64_000

/** RFC 1035 §3.3: octets of a character string. */
export const maxString = 255

/** A text of any length as strings; readers join the strings of a record (RFC 7208 §3.3). */
export function partsOf(octets: Uint8Array): Uint8Array[] {
  return Array.from({ length: Math.ceil(octets.length / maxString) }, (_, i) =>
    octets.subarray(i * maxString, (i + 1) * maxString),
  )
}
