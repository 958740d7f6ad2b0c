/** DNS messages in octets. */
import { typeNumber } from '../../src/dns/codes.ts'
import { nameOctets } from '../hostile/datagrams.ts'

export interface QuestionOptions {
  readonly id?: number
  /** The payload size of an OPT record; without one there is no OPT. */
  readonly edns?: number
  /** Octets of EDNS padding (RFC 7830). */
  readonly padding?: number
}

export function question(name: string, type: string, { id = 0, edns, padding = 0 }: QuestionOptions = {}): Buffer {
  const withOpt = edns !== undefined || padding > 0
  const qname = nameOctets(name)
  const octets = Buffer.alloc(12 + qname.length + 4 + (withOpt ? 11 + (padding > 0 ? 4 + padding : 0) : 0))
  octets.writeUInt16BE(id, 0)
  octets.writeUInt16BE(0x0100, 2)
  octets.writeUInt16BE(1, 4)
  octets.writeUInt16BE(withOpt ? 1 : 0, 10)
  let at = 12 + qname.copy(octets, 12)
  at = octets.writeUInt16BE(typeNumber(type)!, at)
  at = octets.writeUInt16BE(1, at)
  if (!withOpt) return octets
  at = octets.writeUInt16BE(41, at + 1)
  at = octets.writeUInt16BE(edns ?? 1232, at)
  at = octets.writeUInt16BE(padding > 0 ? 4 + padding : 0, at + 4)
  if (padding > 0) octets.writeUInt16BE(padding, octets.writeUInt16BE(12, at))
  return octets
}
