/** What each frame of a client does, and which frames are allowed (RFC 9113 §5, §6). */
import type { Allowance } from './allowance.ts'
import type { Exchanges } from './exchanges.ts'
import type { FrameWriter } from './frame-writer.ts'
import { ConnectionError, contentOf, errorCode, type Frame, flag, frameType, setting, uint32 } from './frames.ts'
import { createHeaderBlocks, type Head } from './header-block.ts'
import { defaultWindow, type Responses } from './responses.ts'

export interface FrameDispatch {
  /** Throws ConnectionError or CompressionError when the connection has to end. */
  read(frame: Frame): void
  /** The highest stream number that the client has opened. */
  lastStream(): number
}

export interface FrameDispatchOptions {
  readonly writer: FrameWriter
  readonly responses: Responses
  readonly exchanges: Exchanges
  readonly allowance: Allowance
  /** Maximum number of concurrent streams. */
  readonly most: number
  /** Whether new streams are rejected. */
  readonly isDraining: () => boolean
  readonly reset: (id: number, code: number) => void
  readonly onRequest: () => void
}

/** Octets of bodies after which the client's window is replenished. */
const windowStep = 32 * 1024

export function createFrameDispatch(options: FrameDispatchOptions): FrameDispatch {
  const { writer, responses, exchanges, allowance, reset } = options
  const headers = createHeaderBlocks()
  let hasSettings = false
  let lastStream = 0
  /** Octets of bodies received that have not yet been returned to the client's window. */
  let received = 0

  function readHead({ stream: id, endStream, fields }: Head): void {
    if (id <= lastStream) {
      readTrailers(id, endStream)
      return
    }
    lastStream = id
    if (options.isDraining() || exchanges.size() >= options.most) {
      allowance.spend('frames')
      reset(id, errorCode.REFUSED_STREAM)
      return
    }
    const field = (name: string): string | undefined => fields.find((each) => each[0] === name)?.[1]
    const [method, target] = [field(':method'), field(':path')]
    if (method === undefined || target === undefined) {
      allowance.spend('frames')
      reset(id, errorCode.PROTOCOL_ERROR)
      return
    }
    options.onRequest()
    exchanges.begin(id, { method, target, field }, endStream)
  }

  function readTrailers(id: number, endStream: boolean): void {
    const isOpen = exchanges.outletOf(id) !== undefined
    if (isOpen && (!endStream || !exchanges.endInput(id))) refuse('a stream has a second header block')
    // Trailers of a stream that has already been answered.
    if (!isOpen) allowance.spend('frames')
  }

  function readData(frame: Frame): void {
    const { stream, flags, payload } = frame
    if (stream === 0 || stream > lastStream) refuse('DATA on an idle stream')
    const content = contentOf(frame)
    const endStream = (flags & flag.END_STREAM) !== 0
    received += payload.length
    if (received > defaultWindow) throw new ConnectionError(errorCode.FLOW_CONTROL_ERROR, 'the window is exceeded')
    if (received >= windowStep) {
      writer.frame(frameType.WINDOW_UPDATE, 0, 0, uint32(received))
      received = 0
    }
    const isWanted = exchanges.receive(stream, content, endStream)
    if (!isWanted || (content.length === 0 && !endStream)) allowance.spend('frames')
  }

  function readReset({ stream, payload }: Frame): void {
    if (stream === 0 || stream > lastStream || payload.length !== 4) refuse('RST_STREAM is invalid')
    if (exchanges.abandon(stream)) allowance.spend('resets')
  }

  function readPing({ stream, flags, payload }: Frame): void {
    if (stream !== 0 || payload.length !== 8) refuse('PING is invalid')
    if (!(flags & flag.ACK)) writer.frame(frameType.PING, flag.ACK, 0, payload)
  }

  function readSettings({ stream, flags, payload }: Frame): void {
    if (stream !== 0 || payload.length % 6 !== 0) refuse('SETTINGS is invalid')
    if (flags & flag.ACK) return
    hasSettings = true
    let window: number | undefined
    // If a setting occurs several times, the last value counts (RFC 9113 §6.5.3).
    for (let at = 0; at < payload.length; at += 6)
      if (payload.readUInt16BE(at) === setting.INITIAL_WINDOW_SIZE) window = payload.readUInt32BE(at + 2)
    writer.frame(frameType.SETTINGS, flag.ACK, 0, nothing)
    if (window === undefined) return
    responses.setInitialWindow(window, exchanges.outlets())
    exchanges.resume()
  }

  function readWindow({ stream, payload }: Frame): void {
    if (payload.length !== 4) refuse('WINDOW_UPDATE is invalid')
    const more = payload.readUInt32BE(0) & 0x7fffffff
    if (more === 0) refuse('WINDOW_UPDATE with an increment of 0')
    if (stream === 0) {
      responses.allow(more)
      exchanges.resume()
      return
    }
    const outlet = exchanges.outletOf(stream)
    if (outlet === undefined) return
    responses.allowStream(outlet, more)
    exchanges.resume(stream)
  }

  return {
    lastStream: () => lastStream,
    read(frame) {
      if (!hasSettings && frame.type !== frameType.SETTINGS) refuse('the first frame is not SETTINGS')
      if (!headers.admits(frame)) refuse('HEADERS without its CONTINUATION, or the reverse')
      switch (frame.type) {
        case frameType.HEADERS:
        case frameType.CONTINUATION: {
          const head = headers.read(frame)
          if (head !== undefined) readHead(head)
          return
        }
        case frameType.DATA:
          readData(frame)
          return
        case frameType.PUSH_PROMISE:
          refuse('a client cannot push')
      }
      allowance.spend('frames')
      if (frame.type === frameType.SETTINGS) readSettings(frame)
      else if (frame.type === frameType.WINDOW_UPDATE) readWindow(frame)
      else if (frame.type === frameType.PING) readPing(frame)
      else if (frame.type === frameType.RST_STREAM) readReset(frame)
    },
  }
}

const nothing = Buffer.alloc(0)

function refuse(message: string): never {
  throw new ConnectionError(errorCode.PROTOCOL_ERROR, message)
}
