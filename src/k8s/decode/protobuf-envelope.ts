/** The protobuf messages around objects: watch events, runtime.Unknown, Status and list metadata. */
import { MalformedObject } from './draft.ts'
import { integer, nested, octets, type ReadField, readAll, type Span, text } from './protobuf-fields.ts'
import type { Reducer } from './reduce.ts'
import type { ApiStatus, ListFacts } from './wire.ts'

/** `k8s` and a zero octet, before every object outside a list. */
export const magic = Buffer.from('k8s\0')

/** Narrows `span` from a magic prefix with runtime.Unknown to the object inside. Throws MalformedObject. */
export function unwrap(span: Span, reducer: Reducer): void {
  for (let i = 0; i < magic.length; i++) {
    if (span.bytes[span.start + i] !== magic[i] || span.start + i >= span.end) {
      throw new MalformedObject('the object does not begin with k8s\\0')
    }
  }
  span.start += magic.length
  const raw: Span = { bytes: span.bytes, start: span.end, end: span.end }
  readAll(span, raw, readUnknown, reducer)
  Object.assign(span, raw)
}

/** Narrows `span` from a watch event (metav1.WatchEvent) to its object. Returns the type. Throws MalformedObject. */
export function readWatchEvent(span: Span, reducer: Reducer): string {
  const event: EventDraft = { type: '', object: { bytes: span.bytes, start: span.end, end: span.end } }
  readAll(span, event, readEvent, reducer)
  Object.assign(span, event.object)
  return event.type
}

/** metav1.Status. Throws MalformedObject. */
export function protobufStatus(object: Span, reducer: Reducer): ApiStatus {
  const status = { code: 0, reason: '', message: '', causes: [] as string[], retryAfterSeconds: 0 }
  readAll(object, status, readStatus, reducer)
  return status
}

/** metav1.ListMeta. Throws MalformedObject. */
export function protobufListMeta(list: Span, reducer: Reducer): ListFacts {
  const facts = { resourceVersion: '', continueToken: '' }
  readAll(list, facts, readListMeta, reducer)
  return facts
}

const readUnknown: ReadField<Span> = (field, raw, pbf) => {
  if (field === 2) octets(pbf, raw)
}

interface EventDraft {
  type: string
  readonly object: Span
}

const readEvent: ReadField<EventDraft> = (field, event, pbf, reducer) => {
  if (field === 1) event.type = text(pbf, reducer)
  else if (field === 2) nested(pbf, event, reducer, readRawExtension)
}

const readListMeta: ReadField<{ resourceVersion: string; continueToken: string }> = (field, facts, pbf, reducer) => {
  if (field === 2) facts.resourceVersion = text(pbf, reducer)
  else if (field === 3) facts.continueToken = text(pbf, reducer)
}

const readRawExtension: ReadField<EventDraft> = (field, draft, pbf) => {
  if (field === 1) octets(pbf, draft.object)
}

const readStatus: ReadField<{
  code: number
  reason: string
  message: string
  causes: string[]
  retryAfterSeconds: number
}> = (field, status, pbf, reducer) => {
  if (field === 3) status.message = text(pbf, reducer)
  else if (field === 4) status.reason = text(pbf, reducer)
  else if (field === 5) nested(pbf, status, reducer, readDetails)
  else if (field === 6) status.code = integer(pbf)
}

const readDetails: ReadField<{ causes: string[]; retryAfterSeconds: number }> = (field, status, pbf, reducer) => {
  if (field === 4) nested(pbf, status, reducer, readCause)
  else if (field === 5) status.retryAfterSeconds = integer(pbf)
}

const readCause: ReadField<{ causes: string[] }> = (field, status, pbf, reducer) => {
  if (field === 1) status.causes.push(text(pbf, reducer))
}
