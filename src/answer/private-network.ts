/**
 * Whether a client's address is in one of the networks whose clients get texts by default (`privateNetworks` of
 * src/dns/extended-error.ts; a test compares the two). Works on octets, because it is called per query.
 */
export function isInPrivateNetwork(octets: Uint8Array, at: number, family: number): boolean {
  const first = octets[at]
  const second = octets[at + 1]
  if (family === 4) {
    if (first === 10 || first === 127) return true
    if (first === 172) return (second & 0xf0) === 16
    if (first === 192) return second === 168
    if (first === 169) return second === 254
    return first === 100 && (second & 0xc0) === 64
  }
  if ((first & 0xfe) === 0xfc) return true
  if (first === 0xfe) return (second & 0xc0) === 0x80
  for (let i = 0; i < 15; i++) if (octets[at + i] !== 0) return false
  return octets[at + 15] === 1
}
