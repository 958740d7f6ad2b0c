/** The messages of etcd's API v3 that are used (api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto), by field number. */
import { PbfReader, PbfWriter } from 'pbf'

export interface KeyValue {
  readonly key: string
  readonly value: Uint8Array
  /** The lease that limits the key's life; 0n: none. */
  readonly lease: bigint
}

export interface RangeResponse {
  readonly revision: number
  readonly keyValues: readonly KeyValue[]
  /** The range has more keys than the page. */
  readonly more: boolean
}

export interface WatchResponse {
  readonly created: boolean
  readonly canceled: boolean
  readonly reason: string
  /** More events of the same revision follow in the next message. */
  readonly fragment: boolean
  readonly events: readonly WatchEvent[]
}

export type WatchEvent =
  | { readonly type: 'put'; readonly keyValue: KeyValue }
  | { readonly type: 'delete'; readonly key: string }

/** Keys from `from`, inclusive, to `to`, exclusive. */
export interface KeyRange {
  readonly from: string
  readonly to: string
}

/** `revision` 0: the latest. */
export function rangeRequest({ from, to }: KeyRange, limit: number, revision: number): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeBytesField(1, octets(from))
  pbf.writeBytesField(2, octets(to))
  pbf.writeVarintField(3, limit)
  if (revision > 0) pbf.writeVarintField(4, revision)
  return pbf.finish()
}

/** Each revision is one or more events, from `revision` on; large ones arrive in fragments. */
export function watchRequest(range: KeyRange, revision: number): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeMessage(
    1,
    ({ from, to }, create) => {
      create.writeBytesField(1, octets(from))
      create.writeBytesField(2, octets(to))
      create.writeVarintField(3, revision)
      create.writeBooleanField(8, true)
    },
    range,
  )
  return pbf.finish()
}

export function leaseTimeToLiveRequest(lease: bigint): Uint8Array {
  // Lease IDs have 63 bits, pbf's numbers 53.
  const out = [0x08]
  for (let rest = lease; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn)
    if (rest < 0x80n) {
      out.push(low)
      return Uint8Array.from(out)
    }
    out.push(low | 0x80)
  }
}

export function authenticateRequest(name: string, password: string): Uint8Array {
  const pbf = new PbfWriter()
  pbf.writeStringField(1, name)
  pbf.writeStringField(2, password)
  return pbf.finish()
}

/** Throws where there are more than `most` keys: a key without octets takes two of the message, and a hundred in memory. */
export function readRangeResponse(bytes: Uint8Array, most: number): RangeResponse {
  const response = { revision: 0, keyValues: [] as KeyValue[], more: false }
  return new PbfReader(bytes).readFields((field, into, pbf) => {
    if (field === 1) into.revision = readRevision(pbf)
    else if (field === 2) {
      if (into.keyValues.length === most) throw new Error(`a page has more than the ${most} keys that were asked for`)
      into.keyValues.push(readKeyValue(pbf))
    } else if (field === 3) into.more = pbf.readBoolean()
  }, response)
}

/** Throws where there are more than `most` changes. */
export function readWatchResponse(bytes: Uint8Array, most: number): WatchResponse {
  const response = { created: false, canceled: false, reason: '', fragment: false, events: [] as WatchEvent[] }
  return new PbfReader(bytes).readFields((field, into, pbf) => {
    if (field === 3) into.created = pbf.readBoolean()
    else if (field === 4) into.canceled = pbf.readBoolean()
    else if (field === 5) into.reason ||= `the revision ${pbf.readVarint(true)} and those before it are compacted`
    else if (field === 6) into.reason = pbf.readString() || into.reason
    else if (field === 7) into.fragment = pbf.readBoolean()
    else if (field === 11) {
      if (into.events.length === most) throw new Error('a change of the watch has too many keys')
      into.events.push(readEvent(pbf))
    }
  }, response)
}

/** Remaining seconds of the lease; -1 if it has expired. */
export function readLeaseTimeToLive(bytes: Uint8Array): number {
  return new PbfReader(bytes).readFields(
    (field, into, pbf) => {
      if (field === 3) into.seconds = pbf.readVarint(true)
    },
    { seconds: 0 },
  ).seconds
}

export function readToken(bytes: Uint8Array): string {
  return new PbfReader(bytes).readFields(
    (field, into, pbf) => {
      if (field === 2) into.token = pbf.readString()
    },
    { token: '' },
  ).token
}

const octets = (text: string): Uint8Array => Buffer.from(text, 'utf8')

const readRevision = (pbf: PbfReader): number =>
  pbf.readMessage(
    (field, into, header) => {
      if (field === 3) into.revision = header.readVarint(true)
    },
    { revision: 0 },
  ).revision

function readKeyValue(pbf: PbfReader): KeyValue {
  const keyValue = { key: '', value: new Uint8Array(), lease: 0n }
  return pbf.readMessage((field, into, from) => {
    if (field === 1) into.key = Buffer.from(from.readBytes()).toString('utf8')
    // A copy, because the original is the whole page.
    else if (field === 5) into.value = Uint8Array.from(from.readBytes())
    else if (field === 6) into.lease = readVarint64(from)
  }, keyValue)
}

function readEvent(pbf: PbfReader): WatchEvent {
  const event: { isDelete: boolean; keyValue: KeyValue | undefined } = { isDelete: false, keyValue: undefined }
  pbf.readMessage((field, into, from) => {
    if (field === 1) into.isDelete = from.readVarint() === 1
    else if (field === 2) into.keyValue = readKeyValue(from)
  }, event)
  if (!event.keyValue) throw new Error('an event of a watch names no key')
  return event.isDelete ? { type: 'delete', key: event.keyValue.key } : { type: 'put', keyValue: event.keyValue }
}

function readVarint64(pbf: PbfReader): bigint {
  let value = 0n
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const octet = pbf.buf[pbf.pos++]
    value |= BigInt(octet & 0x7f) << shift
    if (octet < 0x80) return value
  }
  throw new Error('a number has more than 64 bits')
}
