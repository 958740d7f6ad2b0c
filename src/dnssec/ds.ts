/** Records for the parent zone: digests of keys (RFC 4034 §5), and the records that request their use (RFC 7344 §3). */
import { createHash } from 'node:crypto'
import { type } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'
import { lowerName, nameToWire } from '../dns/name.ts'
import { join, uint16 } from '../dns/values.ts'
import type { SigningKey } from './key.ts'

/** CDS records as in CoreDNS, with SHA-1 and SHA-256, and the CDNSKEY record of the key in this zone. */
export function childRecords(key: SigningKey, zone: string, ttl: number): ResourceRecord[] {
  const { record, tag, algorithm } = key
  const common = { name: zone, class: record.class, ttl }
  const digested = join(nameToWire(lowerName(zone)), record.rdata)
  const cds = [
    [1, 'sha1'],
    [2, 'sha256'],
  ].map(([number, name]) => {
    const digest = createHash(String(name)).update(digested).digest()
    return { ...common, type: type.CDS, rdata: join(uint16(tag), Uint8Array.of(algorithm, Number(number)), digest) }
  })
  return [...cds, { ...common, type: type.CDNSKEY, rdata: record.rdata }]
}
