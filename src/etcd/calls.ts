/** gRPC calls over an HTTP/2 session (grpc/doc/PROTOCOL-HTTP2.md): one request, one or many responses. */
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'
import type { Clock } from '../scheduling/clock.ts'
import type { CooperativeScheduler } from '../scheduling/cooperative-scheduler.ts'

/** The server's error, or why there was no answer. */
export class CallFailure extends Error {
  /** The gRPC status (`status`), or undefined if the call did not get that far. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** gRPC status codes. */
export const status = { ok: 0, unauthenticated: 16 } as const

export interface CallOptions {
  readonly session: ClientHttp2Session
  /** `/etcdserverpb.KV/Range` */
  readonly method: string
  readonly request: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Maximum octets of a response message. */
  readonly mostOctets: number
  /** Messages are read in its slices: queries come before them, however many there are. */
  readonly scheduler: CooperativeScheduler
}

/** gRPC's flag and length before a message. */
const prefixOctets = 5

/**
 * Calls `onMessage` for each response message. Resolves when the call has succeeded; rejects with CallFailure, or with an
 * exception of `onMessage`. `keepOpen`: the request's half stays open, as a watch requires.
 */
export function call(
  { session, method, request, headers, signal, mostOctets, scheduler }: CallOptions,
  onMessage: (message: Uint8Array) => void,
  keepOpen = false,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = session.request(
      { ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers', ...headers },
      { signal },
    )
    const fail = (error: unknown): void => {
      stream.destroy()
      reject(error)
    }
    const messages = createFrameReader(mostOctets, onMessage)
    let ended: IncomingHttpHeaders | undefined
    stream.on('response', (head) => {
      if (head[':status'] !== 200) return fail(new CallFailure(`HTTP status ${head[':status']}`))
      if (head['grpc-status'] !== undefined) ended = head
    })
    stream.on('trailers', (trailers) => {
      ended = trailers
    })
    stream.on('data', (chunk: Buffer) => {
      // A stream that is destroyed gives what it holds, although nobody reads it any more.
      if (stream.destroyed) return
      scheduler.begin()
      try {
        messages.read(chunk)
      } catch (error) {
        return fail(error)
      }
      if (!scheduler.due) return
      stream.pause()
      void scheduler.rest().then(() => stream.resume())
    })
    // A server may end its half and leave ours open: nothing comes any more.
    stream.on('end', () => stream.end())
    stream.on('error', (error) => fail(new CallFailure(error.message)))
    stream.on('close', () => {
      const code = Number(ended?.['grpc-status'])
      if (code === status.ok) return resolve()
      if (!Number.isInteger(code)) return reject(new CallFailure('the connection was closed'))
      reject(new CallFailure(decodeURIComponentOr(String(ended?.['grpc-message'] ?? `gRPC status ${code}`)), code))
    })
    stream.write(framed(request))
    if (!keepOpen) stream.end()
  })
}

/** A call with one response message, within `milliseconds`. */
export async function callOnce(options: CallOptions, clock: Clock, milliseconds: number): Promise<Uint8Array> {
  const late = new AbortController()
  const timer = clock.after(milliseconds, () => late.abort())
  let message: Uint8Array | undefined
  try {
    const signal = AbortSignal.any([options.signal, late.signal])
    await call({ ...options, signal }, (received) => {
      message = received
    })
  } catch (error) {
    throw late.signal.aborted ? new CallFailure(`no answer within ${milliseconds / 1000} s`) : error
  } finally {
    timer.cancel()
  }
  if (!message) throw new CallFailure('the response has no message')
  return message
}

function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(prefixOctets + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, prefixOctets)
  return frame
}

function createFrameReader(mostOctets: number, onMessage: (message: Uint8Array) => void) {
  const prefix = Buffer.alloc(prefixOctets)
  /** Octets of the prefix, or of the message once that has begun. */
  let held = 0
  let message: Buffer | undefined

  function begin(): void {
    if (prefix[0] !== 0) throw new CallFailure('a message is compressed, which was not requested')
    const octets = prefix.readUInt32BE(1)
    if (octets > mostOctets) throw new CallFailure(`a message has ${octets} octets; at most ${mostOctets} are read`)
    // Untouched memory costs nothing, so an announced message that never arrives takes none.
    message = Buffer.allocUnsafe(octets)
    held = 0
  }

  return {
    /** Each octet is copied once, however many messages there are. */
    read(chunk: Buffer): void {
      for (let at = 0; at < chunk.length; ) {
        const into = message ?? prefix
        const copied = chunk.copy(into, held, at)
        at += copied
        held += copied
        if (held < into.length) return
        if (message === undefined) begin()
        if (message === undefined || held < message.length) continue
        const complete = message
        message = undefined
        held = 0
        onMessage(complete)
      }
    },
  }
}

/** gRPC percent-encodes its messages like URIs. */
function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
