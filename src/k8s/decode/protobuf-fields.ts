/**
 * Reads the fields of protobuf messages with pbf. Input is hostile: lengths are checked against the buffer, and a message must
 * end exactly where its length says. All functions throw MalformedObject.
 */
import { PbfReader } from 'pbf'
import { MalformedObject } from './draft.ts'
import type { Reducer } from './reduce.ts'

/** Reads the value of `field` into the draft; a field that it does not read is skipped. */
export type ReadField<Draft> = (field: number, draft: Draft, pbf: PbfReader, reducer: Reducer) => void

/** A message in a buffer. Mutable, so that a stream of messages can reuse one. */
export interface Span {
  bytes: Uint8Array
  start: number
  end: number
}

/** A single reader: creating one, with its DataView, costs more than reading most messages. */
const shared = new PbfReader(new Uint8Array(0))

/** Reads the fields of a complete message. Within a ReadField use `nested` instead. */
export function readAll<Draft>(span: Span, draft: Draft, read: ReadField<Draft>, reducer: Reducer): void {
  shared.buf = span.bytes
  shared.length = span.end
  shared.pos = span.start
  shared._valueStart = -1
  readUntil(shared, span.end, draft, read, reducer)
}

/** Reads the fields of the message that is the current field's value. */
export function nested<Draft>(pbf: PbfReader, draft: Draft, reducer: Reducer, read: ReadField<Draft>): void {
  readUntil(pbf, lengthEnd(pbf), draft, read, reducer)
}

function readUntil<Draft>(pbf: PbfReader, end: number, draft: Draft, read: ReadField<Draft>, reducer: Reducer): void {
  for (;;) {
    const field = nextField(pbf, end)
    if (field === 0) break
    read(field, draft, pbf, reducer)
  }
  if (pbf.pos !== end) throw new MalformedObject('a field is longer than the message that it is in')
}

/** Like pbf's, with MalformedObject as its error. Skips the previous field if it was not read. */
function nextField(pbf: PbfReader, end: number): number {
  try {
    return pbf.nextField(end)
  } catch (error) {
    throw new MalformedObject((error as Error).message)
  }
}

/** The end of a length-delimited field. Throws when it exceeds the buffer. */
export function lengthEnd(pbf: PbfReader): number {
  if (pbf.type !== 2) throw new MalformedObject(`a text or message has wire type ${pbf.type}`)
  const end = integer(pbf) + pbf.pos
  if (!(end >= pbf.pos && end <= pbf.length)) throw new MalformedObject('a field is longer than the object')
  return end
}

/** Sets `span` to the octets of the current field. */
export function octets(pbf: PbfReader, span: Span): void {
  const end = lengthEnd(pbf)
  span.bytes = pbf.buf
  span.start = pbf.pos
  span.end = end
  pbf.pos = end
}

export function text(pbf: PbfReader, reducer: Reducer): string {
  const end = lengthEnd(pbf)
  const found = reducer.strings.read(pbf.buf, pbf.pos, end)
  pbf.pos = end
  return found
}

export function integer(pbf: PbfReader): number {
  try {
    return pbf.readVarint(true)
  } catch (error) {
    throw new MalformedObject((error as Error).message)
  }
}

export function truth(pbf: PbfReader): boolean {
  return integer(pbf) !== 0
}
