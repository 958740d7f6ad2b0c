/** What clients of HTTP/2 send in tests and benchmarks: frames and fields, one by one. */
import { headerOctets, writeFrameHeader } from '../../src/transport/http2/frames.ts'
import { fieldRoom, writeField } from '../../src/transport/http2/hpack.ts'

export function writeFrame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.alloc(headerOctets + payload.length)
  writeFrameHeader(frame, 0, payload.length, type, flags, stream)
  frame.set(payload, headerOctets)
  return frame
}

export function encodeFields(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const block = Buffer.alloc(fields.reduce((sum, [name, value]) => sum + fieldRoom(name, value), 0))
  let at = 0
  for (const [name, value] of fields) at = writeField(block, at, name, value)
  return block.subarray(0, at)
}
