/** PROXY headers, written by hand. */
import { parseAddress } from '../../../src/dns/address.ts'

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

export interface V2 {
  readonly command?: 'proxy' | 'local'
  readonly protocol?: 'stream' | 'datagram'
  readonly source?: string
  readonly port?: number
  readonly destination?: string
  /** Type-length-values in hex. */
  readonly tlvs?: string
}

/** A version 2 header. Without addresses its family is unspecified. */
export function v2({
  command = 'proxy',
  protocol = 'stream',
  source,
  port = 4000,
  destination,
  tlvs = '',
}: V2): Buffer {
  const from = source === undefined ? undefined : parseAddress(source)!
  const family = from === undefined ? 0 : from.length === 4 ? 1 : 2
  const to = from && parseAddress(destination ?? (family === 1 ? '192.0.2.53' : '2001:db8::53'))!
  const body = Buffer.concat([
    ...(from && to ? [from, to, Buffer.of(port >> 8, port & 0xff, 0, 53)] : []),
    Buffer.from(tlvs, 'hex'),
  ])
  const kind = family === 0 ? 0 : (family << 4) | (protocol === 'stream' ? 1 : 2)
  return Buffer.concat([
    signature,
    Buffer.of(command === 'proxy' ? 0x21 : 0x20, kind, body.length >> 8, body.length & 0xff),
    body,
  ])
}

export const v1 = (line: string): Buffer => Buffer.from(`${line}\r\n`, 'latin1')
