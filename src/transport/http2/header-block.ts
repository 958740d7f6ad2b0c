/** Assembles and decodes header blocks: HEADERS and its CONTINUATION frames (RFC 9113 §4.3). */
import { ConnectionError, contentOf, errorCode, type Frame, flag, frameType } from './frames.ts'
import { createHpackDecoder, type Field } from './hpack.ts'

/** Limit of a header block in octets: a GET carries the message in its target. */
export const maxHeaderOctets = 16 * 1024
/** Limit of frames per header block. */
const maxHeaderFrames = 8

export interface Head {
  readonly stream: number
  readonly endStream: boolean
  readonly fields: readonly Field[]
}

export interface HeaderBlocks {
  /** Takes HEADERS or CONTINUATION; returns the header block that it completes. Throws ConnectionError or CompressionError. */
  read(frame: Frame): Head | undefined
  /** Whether this frame is allowed now: no other frame may interrupt a header block. */
  admits(frame: Frame): boolean
}

export function createHeaderBlocks(): HeaderBlocks {
  const decoder = createHpackDecoder(maxHeaderOctets)
  let open: { readonly stream: number; readonly endStream: boolean; parts: Buffer[]; octets: number } | undefined

  function begin(frame: Frame): Buffer {
    if (frame.stream % 2 === 0)
      throw new ConnectionError(errorCode.PROTOCOL_ERROR, 'a client stream must have an odd number')
    open = { stream: frame.stream, endStream: (frame.flags & flag.END_STREAM) !== 0, parts: [], octets: 0 }
    return contentOf(frame)
  }

  return {
    admits: ({ type, stream }) =>
      open === undefined ? type !== frameType.CONTINUATION : type === frameType.CONTINUATION && stream === open.stream,
    read(frame) {
      const content = frame.type === frameType.HEADERS ? begin(frame) : frame.payload
      const { stream, endStream, parts } = open!
      open!.octets += content.length
      if (open!.octets > maxHeaderOctets || parts.length === maxHeaderFrames)
        throw new ConnectionError(errorCode.ENHANCE_YOUR_CALM, 'a header block is too large')
      const isWhole = (frame.flags & flag.END_HEADERS) !== 0
      // The frame's memory will be reused.
      parts.push(isWhole && parts.length === 0 ? content : Buffer.from(content))
      if (!isWhole) return undefined
      open = undefined
      const block = parts.length === 1 ? parts[0] : Buffer.concat(parts)
      return { stream, endStream, fields: decoder.decode(block) }
    },
  }
}
