/**
 * Frame Streams (https://farsightsec.github.io/fstrm), bidirectional: the writer sends READY, the reader ACCEPT, the
 * writer START, then data; at the end the writer sends STOP and the reader FINISH.
 */

/** Types of control frames. */
export const control = { accept: 1, start: 2, stop: 3, ready: 4, finish: 5 } as const
type Control = (typeof control)[keyof typeof control]

const contentTypeField = 1
const contentType = Buffer.from('protobuf:dnstap.Dnstap')

/** Octets of a control frame, as fstrm bounds them. */
const longestControl = 512

/** A control frame: an escape (length 0), its own length, its type, and for some the content type. */
export function controlFrame(type: Control): Buffer {
  const named = type === control.ready || type === control.start
  const frame = Buffer.alloc(12 + (named ? 8 + contentType.length : 0))
  frame.writeUInt32BE(frame.length - 8, 4)
  frame.writeUInt32BE(type, 8)
  if (!named) return frame
  frame.writeUInt32BE(contentTypeField, 12)
  frame.writeUInt32BE(contentType.length, 16)
  contentType.copy(frame, 20)
  return frame
}

export type ReadControl =
  | { readonly kind: 'frame'; readonly type: number; readonly octets: number; readonly ours: boolean }
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly reason: string }

const invalid = (reason: string): ReadControl => ({ kind: 'invalid', reason })

/** The control frame at the beginning of `bytes`; a reader sends nothing else. `ours`: it names our content type. */
export function readControl(bytes: Buffer): ReadControl {
  if (bytes.length >= 4 && bytes.readUInt32BE(0) !== 0) return invalid('a data frame from a reader')
  if (bytes.length < 12) return { kind: 'incomplete' }
  const length = bytes.readUInt32BE(4)
  if (length < 4 || length > longestControl) return invalid(`a control frame of ${length} octets`)
  const end = 8 + length
  if (bytes.length < end) return { kind: 'incomplete' }
  let ours = false
  for (let at = 12; at < end; ) {
    if (end - at < 8) return invalid('a field of a control frame is cut')
    const octets = bytes.readUInt32BE(at + 4)
    if (octets > end - at - 8) return invalid('a field of a control frame is cut')
    const field = bytes.subarray(at + 8, at + 8 + octets)
    ours ||= bytes.readUInt32BE(at) === contentTypeField && field.equals(contentType)
    at += 8 + octets
  }
  return { kind: 'frame', type: bytes.readUInt32BE(8), octets: end, ours }
}
