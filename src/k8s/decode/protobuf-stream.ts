/** Splits watch and list bodies in protobuf as they arrive. */
import { createByteQueue } from './byte-queue.ts'
import { MalformedObject } from './draft.ts'
import { protobufMeta, reduceProtobuf } from './protobuf.ts'
import { magic, protobufListMeta, protobufStatus, readWatchEvent, unwrap } from './protobuf-envelope.ts'
import type { Span } from './protobuf-fields.ts'
import type { Reducer } from './reduce.ts'
import {
  type BodyReader,
  type ListFacts,
  type ListReader,
  largestObject,
  type WatchEvent,
  type WireObject,
} from './wire.ts'

/** Frames: a big-endian length of 4 octets, then a WatchEvent. */
export function protobufWatch(reducer: Reducer): BodyReader<WatchEvent> {
  const queue = createByteQueue()
  // One event is reused for all frames, which `BodyReader` allows.
  const span: Span = { bytes: Buffer.alloc(0), start: 0, end: 0 }
  const event = { type: '', object: protobufObject(span, reducer) }
  return {
    push: queue.push,
    next() {
      if (queue.length < 4) return undefined
      const length = queue.at(0) * 0x1000000 + ((queue.at(1) << 16) | (queue.at(2) << 8) | queue.at(3))
      if (length > largestObject) throw new MalformedObject(`a frame of ${length} octets in a protobuf watch`)
      if (queue.length < 4 + length) return undefined
      span.bytes = queue.take(4 + length)
      span.start = 4
      span.end = 4 + length
      event.type = readWatchEvent(span, reducer)
      unwrap(span, reducer)
      return event
    },
  }
}

/**
 * A list object (ServiceList and the like): prefix, runtime.Unknown, and in its field 2 the list. Its field 1 is the ListMeta;
 * its field 2 repeats, one item each. Only one item at a time is held.
 */
export function protobufList(reducer: Reducer): ListReader {
  const queue = createByteQueue()
  const span: Span = { bytes: Buffer.alloc(0), start: 0, end: 0 }
  const item = protobufObject(span, reducer)
  let facts: ListFacts = { resourceVersion: '', continueToken: '' }
  let prefixed = false
  /** Octets of the list not yet consumed; -1 before its beginning. */
  let left = -1

  /** The next length-delimited field, or undefined while it is incomplete. */
  const field = (): { number: number; length: number; header: number } | undefined => {
    const tag = varint(0)
    if (tag === undefined) return undefined
    const length = varint(tag.size)
    if (length === undefined) return undefined
    if ((tag.value & 7) !== 2) throw new MalformedObject(`a field of wire type ${tag.value & 7} in a list`)
    return { number: tag.value >>> 3, length: length.value, header: tag.size + length.size }
  }

  const varint = (at: number): { value: number; size: number } | undefined => {
    let value = 0
    for (let i = 0; i < 10; i++) {
      if (at + i >= queue.length) return undefined
      const octet = queue.at(at + i)
      value += (octet & 0x7f) * 2 ** (7 * i)
      if (octet < 0x80) return { value, size: i + 1 }
    }
    throw new MalformedObject('a varint of more than ten octets in a list')
  }

  /** Reads up to the list's own fields; false when more octets are needed. */
  const begin = (): boolean => {
    if (!prefixed) {
      if (queue.length < magic.length) return false
      if (!queue.take(magic.length).equals(magic)) throw new MalformedObject('the list does not begin with k8s\\0')
      prefixed = true
    }
    for (;;) {
      const next = field()
      if (next === undefined) return false
      if (next.number === 2) {
        queue.take(next.header)
        left = next.length
        return true
      }
      if (next.length > largestObject) throw new MalformedObject(`a list header of ${next.length} octets`)
      if (queue.length < next.header + next.length) return false
      queue.take(next.header + next.length)
    }
  }

  return {
    push: queue.push,
    next() {
      if (left < 0 && !begin()) return undefined
      while (left > 0) {
        const next = field()
        if (next === undefined) return undefined
        if (next.length > largestObject) throw new MalformedObject(`a list item of ${next.length} octets`)
        if (next.header + next.length > left) throw new MalformedObject('a list item runs over the end of the list')
        if (queue.length < next.header + next.length) return undefined
        span.bytes = queue.take(next.header + next.length)
        span.start = next.header
        span.end = span.bytes.length
        left -= next.header + next.length
        if (next.number === 1) facts = protobufListMeta(span, reducer)
        else if (next.number === 2) return item
      }
      return undefined
    },
    finish() {
      if (left !== 0) throw new MalformedObject('the list ends before its end')
      return facts
    },
  }
}

/** The object that `span` covers at the time of each call. */
export function protobufObject(span: Readonly<Span>, reducer: Reducer): WireObject {
  return {
    meta: () => protobufMeta(span, reducer),
    reduce: (resource, meta, previous) => reduceProtobuf(resource, span, meta, reducer, previous),
    status: () => protobufStatus(span, reducer),
  }
}
