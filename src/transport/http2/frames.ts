/** Frames of HTTP/2 (RFC 9113 §4, §6): their constants, reading and writing. */

export const frameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const flag = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const

export const setting = {
  HEADER_TABLE_SIZE: 1,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const

export const errorCode = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  FLOW_CONTROL_ERROR: 3,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  ENHANCE_YOUR_CALM: 11,
} as const

export type ErrorCode = (typeof errorCode)[keyof typeof errorCode]

/** Ends the connection, with this code in GOAWAY. */
export class ConnectionError extends Error {
  readonly code: ErrorCode
  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export const preface: Buffer = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const headerOctets = 9
/** Largest payload of a frame: the default of both directions (RFC 9113 §4.2). */
export const maxPayload = 16_384

export interface FrameReader {
  push(chunk: Buffer): void
  /** The next frame, whose payload is valid until the next `push`; undefined while incomplete. Throws ConnectionError. */
  next(): Frame | undefined
  /** Octets held in the buffer. */
  held(): number
}

/** Reads the client's preface, too. */
export function createFrameReader(): FrameReader {
  let input: Buffer = Buffer.alloc(0)
  /** Everything before this has been read. */
  let at = 0
  /** Everything behind this is free: the buffer grows with the frame, which a client may send in single octets. */
  let used = 0
  let begun = false

  function readPreface(): boolean {
    const length = Math.min(used, preface.length)
    if (!input.subarray(0, length).equals(preface.subarray(0, length)))
      throw new ConnectionError(errorCode.PROTOCOL_ERROR, 'the preface is missing')
    if (length < preface.length) return false
    at = length
    begun = true
    return true
  }

  return {
    push(chunk) {
      const left = used - at
      if (left === 0) {
        input = chunk
        at = 0
        used = chunk.length
        return
      }
      if (used + chunk.length > input.length) {
        const grown = Buffer.allocUnsafeSlow(Math.max(left + chunk.length, 2 * left))
        grown.set(input.subarray(at, used))
        input = grown
        at = 0
        used = left
      }
      input.set(chunk, used)
      used += chunk.length
    },
    next() {
      if (!begun && !readPreface()) return undefined
      const start = at + headerOctets
      if (used < start) return undefined
      const length = (input[at] << 16) | (input[at + 1] << 8) | input[at + 2]
      if (length > maxPayload) throw new ConnectionError(errorCode.FRAME_SIZE_ERROR, 'a frame is too large')
      const end = start + length
      if (used < end) return undefined
      const frame = {
        type: input[at + 3],
        flags: input[at + 4],
        stream: input.readUInt32BE(at + 5) & 0x7fffffff,
        payload: input.subarray(start, end),
      }
      at = end
      return frame
    },
    held: () => used - at,
  }
}

/** The content of a frame, without padding and priority (RFC 9113 §6.1, §6.2). */
export function contentOf({ type, flags, payload }: Frame): Buffer {
  const padding = flags & flag.PADDED ? (payload.at(0) ?? payload.length) : 0
  const start = (flags & flag.PADDED ? 1 : 0) + (type === frameType.HEADERS && flags & flag.PRIORITY ? 5 : 0)
  if (start + padding > payload.length) throw new ConnectionError(errorCode.PROTOCOL_ERROR, 'the padding is too long')
  return payload.subarray(start, payload.length - padding)
}

/** Writes the header of a frame whose payload has `length` octets. */
export function writeFrameHeader(
  memory: Buffer,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): void {
  memory[at] = length >> 16
  memory[at + 1] = length >> 8
  memory[at + 2] = length
  memory[at + 3] = type
  memory[at + 4] = flags
  memory.writeUInt32BE(stream, at + 5)
}

export function uint32(value: number): Buffer {
  const octets = Buffer.allocUnsafe(4)
  octets.writeUInt32BE(value)
  return octets
}

export function settingsPayload(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length)
  for (const [i, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * i)
    payload.writeUInt32BE(value, 6 * i + 2)
  }
  return payload
}
