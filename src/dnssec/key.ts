/** A signing key: its DNSKEY record (RFC 4034 §2) and private key. */
import type { ResourceRecord } from '../dns/message.ts'
import { readUint16 } from '../dns/values.ts'
import { algorithmOf, createSigner, type PrivateFields, type Signer } from './algorithms.ts'

export interface SigningKey extends Signer {
  /** The DNSKEY record as in the key file. */
  readonly record: ResourceRecord
  readonly algorithm: number
  /** RFC 4034 §B. */
  readonly tag: number
  /** Zone keys with the SEP bit are `ksk`, without it `zsk`; undefined: not a zone key (RFC 4034 §2.1.1). */
  readonly role: 'ksk' | 'zsk' | undefined
}

const zoneFlag = 0x100
const sepFlag = 1
/** Flags, protocol, algorithm. */
const publicKeyAt = 4

/** `record` is a DNSKEY. Throws RangeError if the two cannot be used for signing. */
export function createSigningKey(record: ResourceRecord, fields: PrivateFields): SigningKey {
  const { rdata } = record
  const number = rdata[3]
  const algorithm = algorithmOf(number)
  if (!algorithm)
    throw new RangeError(
      `the algorithm ${number} is not supported: use ECDSAP256SHA256 (13), ECDSAP384SHA384 (14), ED25519 (15), RSASHA256 (8) or RSASHA512 (10)`,
    )
  const written = Number.parseInt(fields.get('algorithm') ?? '', 10)
  if (written !== number)
    throw new RangeError(`the algorithm of the private key must be ${number}, like that of the public key`)
  const flags = readUint16(rdata, 0)
  return {
    record,
    algorithm: number,
    tag: keyTag(rdata),
    role: flags & zoneFlag ? (flags & sepFlag ? 'ksk' : 'zsk') : undefined,
    ...createSigner(algorithm, fields, rdata.subarray(publicKeyAt)),
  }
}

/** RFC 4034 §B: the sum of the rdata's 16-bit words, its carry added. */
export function keyTag(rdata: Uint8Array): number {
  let sum = 0
  for (const [at, octet] of rdata.entries()) sum += at & 1 ? octet : octet << 8
  return (sum + (sum >>> 16)) & 0xffff
}
