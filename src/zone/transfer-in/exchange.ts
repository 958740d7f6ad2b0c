/** One question to a primary over TCP, and the messages of its reply (RFC 5936 §4). */
import { connect, type Socket } from 'node:net'
import { rcode, rcodeName } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import { createReplyVerifier, signRequest, type TsigKey, type TsigVerifier } from '../../dns/tsig.ts'
import { uint16 } from '../../dns/values.ts'
import { encodeMessage, ParseError, parseMessage } from '../../dns/wire.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import { endpointText, reasonOf } from '../../upstream/connection.ts'
import { randomId } from '../../upstream/random.ts'

export interface Primary {
  readonly address: string
  readonly port: number
}

export interface ExchangeOptions {
  readonly primary: Primary
  /** Signs the question; then the reply must be signed, too. */
  readonly key: TsigKey | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Ends the exchange. */
  readonly signal: AbortSignal
}

export interface Received {
  readonly message: Message
  /** Why the messages so far must not be believed yet: they are signed by a later one. */
  readonly doubt: string | undefined
}

/** Milliseconds in which the connection must open, and after each message the next one must come, whole. */
const messageTime = 10_000
/** Octets of a whole reply: what the files of a zone may have. */
const mostOctets = 256 * 1024 * 1024
/** Milliseconds for a whole reply: a primary that sends a little now and then must not keep the next from being asked. */
const replyTime = 600_000

/**
 * The messages of the reply, until the consumer has enough of them. Throws an Error whose text is ready to print: also where
 * a message is not the reply to the question, and where its rcode is not NOERROR.
 */
export async function* exchange(
  question: Message,
  options: ExchangeOptions,
): AsyncGenerator<Received, void, undefined> {
  const { primary, key, clock, signal } = options
  const request = { ...question, id: randomId() }
  const plain = encodeMessage(request, { limit: 65_535 })
  const signed = key && signRequest(plain, key, clock.wall())
  const verifier = signed && key && createReplyVerifier(key, signed.mac, clock.wall)
  const socket = connect({ host: primary.address, port: primary.port })
  const patience = createPatience(socket, clock)
  const abort = (): void => void socket.destroy(new Error('stopped'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    const octets = signed?.octets ?? plain
    socket.write(Buffer.concat([uint16(octets.length), octets]))
    for await (const octets of framesOf(socket)) {
      yield { message: verified(octets, request, verifier), doubt: verifier?.finish() }
      patience.renew()
    }
    throw new Error('the connection was closed before the reply was complete')
  } catch (error) {
    throw new Error(`${endpointText(primary)}: ${error instanceof Error ? reasonOf(error) : String(error)}`)
  } finally {
    signal.removeEventListener('abort', abort)
    patience.end()
    socket.destroy()
    // An error of a socket that nobody reads any more.
    socket.on('error', () => undefined)
  }
}

function createPatience(socket: Socket, clock: Clock) {
  const whole = clock.after(
    replyTime,
    () => void socket.destroy(new Error(`the reply is not complete after ${replyTime / 60_000} minutes`)),
  )
  let timer: Timer | undefined
  const begin = (): void => {
    timer = clock.after(
      messageTime,
      () => void socket.destroy(new Error(`no message came for ${messageTime / 1000} s`)),
    )
  }
  begin()
  return {
    renew() {
      timer?.cancel()
      begin()
    },
    end() {
      timer?.cancel()
      whole.cancel()
    },
  }
}

async function* framesOf(socket: Socket): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  let octets = 0
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    octets += chunk.length
    if (octets > mostOctets) throw new Error(`the reply exceeds ${mostOctets} octets`)
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      yield rest.subarray(2, end)
      rest = rest.subarray(end)
    }
  }
}

function verified(octets: Buffer, request: Message, verifier: TsigVerifier | undefined): Message {
  const message = parsed(octets)
  const [question] = request.questions
  const [asked] = message.questions
  // Only the first message need repeat the question (RFC 5936 §2.2.1).
  const isAnother = asked !== undefined && (lowerName(asked.name) !== question.name || asked.type !== question.type)
  if (!message.response || message.id !== request.id || isAnother) throw new Error('a message is not the reply')
  // A server that does not know the key says so without one that could be checked.
  if (message.rcode !== rcode.NOERROR) throw new Error(`it answered ${rcodeName(message.rcode)}`)
  const doubt = verifier?.check(octets, message)
  if (doubt !== undefined) throw new Error(doubt)
  return message
}

function parsed(octets: Uint8Array): Message {
  try {
    return parseMessage(octets)
  } catch (error) {
    if (error instanceof ParseError) throw new Error(`a message is malformed: ${error.message}`)
    throw error
  }
}
