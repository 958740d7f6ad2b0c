/** Calls of a gRPC service over an HTTP/2 session (grpc/doc/PROTOCOL-HTTP2.md): one request, one response or many. */
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'
import type { Clock } from '../scheduling/clock.ts'

/** What the other end answered, or why it did not. */
export class CallFailure extends Error {
  /** The gRPC status (`status`), or undefined where the call did not get so far. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

/** gRPC's numbers. */
export const status = { ok: 0, unauthenticated: 16 } as const

export interface CallOptions {
  readonly session: ClientHttp2Session
  /** `/etcdserverpb.KV/Range` */
  readonly method: string
  readonly request: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** Octets of a message of the response. */
  readonly mostOctets: number
}

/** gRPC's flag and length in front of a message. */
const prefixOctets = 5

/**
 * Calls `onMessage` for each message of the response. Resolves when the call has ended well; rejects with CallFailure, or
 * with what `onMessage` throws. `keepOpen`: the request's half stays open, as a watch needs it.
 */
export function call(
  { session, method, request, headers, signal, mostOctets }: CallOptions,
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
      try {
        messages.read(chunk)
      } catch (error) {
        fail(error)
      }
    })
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

/** One message, within `milliseconds`. */
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
  let parts: Buffer[] = []
  let held = 0
  /** Octets of the frame that is being read; its prefix while that is not complete. */
  let wanted = prefixOctets

  function prefix(whole: Buffer): void {
    if (whole[0] !== 0) throw new CallFailure('a message is compressed, which nobody has asked for')
    wanted = prefixOctets + whole.readUInt32BE(1)
    if (wanted > mostOctets) throw new CallFailure(`a message has ${wanted} octets; at most ${mostOctets} are read`)
  }

  return {
    read(chunk: Buffer): void {
      parts.push(chunk)
      held += chunk.length
      while (held >= wanted) {
        let whole = Buffer.concat(parts)
        if (wanted === prefixOctets) prefix(whole)
        if (held >= wanted) {
          onMessage(whole.subarray(prefixOctets, wanted))
          whole = whole.subarray(wanted)
          wanted = prefixOctets
        }
        parts = whole.length > 0 ? [whole] : []
        held = whole.length
      }
    },
  }
}

/** gRPC escapes its messages like URIs. */
function decodeURIComponentOr(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
