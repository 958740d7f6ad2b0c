/** IPv4 addresses embedded in IPv6 addresses (RFC 6052 §2.2): after the prefix, skipping octet 8, which is zero. */

/** Permitted prefix lengths in bits. */
export const translationLengths: readonly number[] = [32, 40, 48, 56, 64, 96]

const reservedOctet = 8

/** The IPv6 address of an IPv4 address under a prefix of `bits` bits. */
export function embedIPv4(prefix: Uint8Array, bits: number, v4: Uint8Array): Uint8Array {
  const v6 = new Uint8Array(16)
  v6.set(prefix.subarray(0, bits / 8))
  places(bits).forEach((place, i) => {
    v6[place] = v4[i]
  })
  return v6
}

/** The IPv4 address in an IPv6 one; undefined when the reserved octet is not zero. */
export function extractIPv4(bits: number, v6: Uint8Array): Uint8Array | undefined {
  return v6[reservedOctet] === 0 ? Uint8Array.from(places(bits), (place) => v6[place]) : undefined
}

/** Positions of the four octets. */
function places(bits: number): readonly number[] {
  const first = bits / 8
  return [0, 1, 2, 3]
    .map((i) => first + i)
    .map((place) =>
      first < reservedOctet && place >= reservedOctet ? place + 1 : first === reservedOctet ? place + 1 : place,
    )
}
