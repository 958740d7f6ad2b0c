/** Prefixes that embed IPv4 addresses in IPv6 ones (RFC 6052), as `dns64` and `siit` read them. */
import { fail, network, value } from '../corefile/read.ts'
import type { Token } from '../corefile/schema.ts'
import type { Prefix } from '../dns/address.ts'
import { translationLengths } from '../dns/address-translation.ts'

/** RFC 6052 §2.1: 64:ff9b::/96. */
export const wellKnownPrefix: Prefix = {
  address: Uint8Array.of(0, 0x64, 0xff, 0x9b, ...new Array(12).fill(0)),
  bits: 96,
}

/** Seconds (RFC 6147 §5.1.7): the longest TTL of a synthesised record where the answer without one has no SOA. */
export const ttlWithoutSoa = 600

/** An IPv6 prefix of a length of RFC 6052 §2.2. Throws ConfigError. */
export function readTranslationPrefix(token: Token, option: string): Prefix {
  const { bytes, length } = value(network(), token, option)
  if (bytes.length !== 16) throw fail(`'${token.text}' is not an IPv6 prefix`, token)
  if (translationLengths.includes(length)) return { address: bytes, bits: length }
  const lengths = translationLengths.map((bits) => `/${bits}`).join(', ')
  throw fail(`invalid prefix length '${token.text}': must be one of ${lengths}`, token)
}
