/** Messages of dnstap (https://dnstap.info, dnstap.proto) as protocol buffers. */
import { PbfWriter } from 'pbf'
import { parseAddress } from '../../dns/address.ts'
import type { SocketAddress } from '../../plugin/query.ts'

/** Message.Type */
export const messageType = { clientQuery: 5, clientResponse: 6, forwarderQuery: 7, forwarderResponse: 8 } as const

export interface TapMessage {
  readonly type: (typeof messageType)[keyof typeof messageType]
  readonly transport: 'udp' | 'tcp'
  /** The querier: a client of ours, or we. */
  readonly query: SocketAddress | undefined
  /** The upstream that answers. */
  readonly response?: SocketAddress | undefined
  /** Milliseconds since 1970. */
  readonly queriedAt: number
  readonly respondedAt?: number | undefined
  /** The messages' octets, where the tap is `full`. */
  readonly queryMessage?: Uint8Array | undefined
  readonly responseMessage?: Uint8Array | undefined
}

/** Fields that all messages of a tap share. */
export interface TapIdentity {
  readonly identity: Uint8Array
  readonly version: Uint8Array
}

const socketFamily = { inet: 1, inet6: 2 }
const socketProtocol = { udp: 1, tcp: 2 }
/** Dnstap.Type */
const message = 1

/** The field numbers of Dnstap and Message. */
const outer = { identity: 1, version: 2, extra: 3, message: 14, type: 15 }
const inner = {
  type: 1,
  socketFamily: 2,
  socketProtocol: 3,
  queryAddress: 4,
  responseAddress: 5,
  queryPort: 6,
  responsePort: 7,
  querySeconds: 8,
  queryNanoseconds: 9,
  queryMessage: 10,
  responseSeconds: 12,
  responseNanoseconds: 13,
  responseMessage: 14,
}

const writer = new PbfWriter()

/** The octets are valid until the next call. An empty `extra` is left out. */
export function encodeTap(tap: TapMessage, { identity, version }: TapIdentity, extra: Uint8Array): Uint8Array {
  writer.pos = 0
  writer.writeBytesField(outer.identity, identity)
  writer.writeBytesField(outer.version, version)
  if (extra.length > 0) writer.writeBytesField(outer.extra, extra)
  writer.writeMessage(outer.message, writeMessage, tap)
  writer.writeVarintField(outer.type, message)
  return writer.buf.subarray(0, writer.pos)
}

function writeMessage(tap: TapMessage, pbf: PbfWriter): void {
  const query = tap.query && octetsOf(tap.query)
  const response = tap.response && octetsOf(tap.response)
  pbf.writeVarintField(inner.type, tap.type)
  const octets = (response ?? query)?.length
  if (octets !== undefined)
    pbf.writeVarintField(inner.socketFamily, octets === 4 ? socketFamily.inet : socketFamily.inet6)
  pbf.writeVarintField(inner.socketProtocol, socketProtocol[tap.transport])
  if (query) pbf.writeBytesField(inner.queryAddress, query)
  if (response) pbf.writeBytesField(inner.responseAddress, response)
  if (tap.query) pbf.writeVarintField(inner.queryPort, tap.query.port)
  if (tap.response) pbf.writeVarintField(inner.responsePort, tap.response.port)
  writeTime(pbf, tap.queriedAt, inner.querySeconds, inner.queryNanoseconds)
  if (tap.queryMessage) pbf.writeBytesField(inner.queryMessage, tap.queryMessage)
  if (tap.respondedAt !== undefined) writeTime(pbf, tap.respondedAt, inner.responseSeconds, inner.responseNanoseconds)
  if (tap.responseMessage) pbf.writeBytesField(inner.responseMessage, tap.responseMessage)
}

function writeTime(pbf: PbfWriter, milliseconds: number, seconds: number, nanoseconds: number): void {
  const whole = Math.floor(milliseconds / 1000)
  pbf.writeVarintField(seconds, whole)
  pbf.writeFixed32Field(nanoseconds, Math.floor((milliseconds - whole * 1000) * 1e6))
}

const octetsOf = ({ address }: SocketAddress): Uint8Array | undefined => parseAddress(address.split('%', 1)[0])
