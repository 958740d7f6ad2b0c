/** A question to a primary over TCP, and the messages of its reply (RFC 5936 §4). */
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
import { connectFrames, type Frames } from './frames.ts'
import type { Place } from './places.ts'

export interface Primary {
  readonly address: string
  readonly port: number
}

export interface ExchangeOptions {
  readonly primary: Primary
  /** Signs the question; the reply must then be signed too. */
  readonly key: TsigKey | undefined
  readonly clock: Clock
  readonly log: Logger
  /** Aborts the exchange. */
  readonly signal: AbortSignal
  readonly place: Place
}

export interface Received {
  readonly message: Message
  /** Why the messages so far must not be trusted yet: a later message carries their signature. */
  readonly doubt: string | undefined
}

/** Milliseconds for the connection to open, and after that for each complete message. */
const messageTime = 10_000
/** Maximum octets of a reply: as many as a zone's files may have. */
const mostOctets = 256 * 1024 * 1024
/** Milliseconds for the complete reply: a primary that sends slowly must not keep the next one from being asked. */
const replyTime = 600_000
/** Minimum octets received in `progressTime` milliseconds of waiting, while another zone waits for the place. */
const leastOctets = 300 * 1024
const progressTime = 30_000

/** The primary has not sent a single octet. */
export class PrimarySilent extends Error {}

/**
 * The messages of the reply, until the consumer has enough. Throws an Error whose text is ready to print, also when a message is
 * not the reply to the question or its rcode is not NOERROR. The consumer must have processed a message before it requests the
 * next one: until then no other transfer's message is read.
 */
export async function* exchange(
  question: Message,
  options: ExchangeOptions,
): AsyncGenerator<Received, void, undefined> {
  const { primary, key, clock, signal, place } = options
  const request = { ...question, id: randomId() }
  const plain = encodeMessage(request, { limit: 65_535 })
  const signed = key && signRequest(plain, key, clock.wall())
  const verifier = signed && key && createReplyVerifier(key, signed.mac, clock.wall)
  const frames = connectFrames(primary)
  const limits = limitReply(frames, options)
  const abort = (): void => frames.destroy(new Error('stopped'))
  signal.addEventListener('abort', abort, { once: true })
  try {
    const octets = signed?.octets ?? plain
    frames.write(Buffer.concat([uint16(octets.length), octets]))
    for (;;) {
      const octets = await limits.during(frames.next())
      if (!octets) throw new Error('the connection was closed before the reply was complete')
      const endTurn = await place.messageTurn()
      try {
        yield { message: verified(octets, request, verifier), doubt: verifier?.finish() }
      } finally {
        endTurn()
      }
    }
  } catch (error) {
    const reason = `${endpointText(primary)}: ${error instanceof Error ? reasonOf(error) : String(error)}`
    throw frames.received > 0 ? new Error(reason) : new PrimarySilent(reason)
  } finally {
    signal.removeEventListener('abort', abort)
    limits.end()
    frames.destroy()
  }
}

/** Time and data limits of waiting. The time for processing a message here is not counted against the primary. */
function limitReply(frames: Frames, { clock, place }: ExchangeOptions) {
  const whole = clock.after(replyTime, () =>
    frames.destroy(new Error(`the reply is not complete after ${replyTime / 60_000} minutes`)),
  )
  let timer: Timer | undefined
  let waited = 0
  let receivedThen = 0

  function progress(milliseconds: number): void {
    waited += milliseconds
    if (frames.received > mostOctets) throw new Error(`the reply exceeds ${mostOctets} octets`)
    if (waited < progressTime) return
    const came = frames.received - receivedThen
    if (came < leastOctets && place.isWanted)
      throw new Error(`${came} octets came in ${Math.round(waited / 1000)} s, and another zone waits`)
    waited = 0
    receivedThen = frames.received
  }

  return {
    async during<T>(message: Promise<T>): Promise<T> {
      const began = clock.now()
      timer = clock.after(messageTime, () => frames.destroy(new Error(`no message came for ${messageTime / 1000} s`)))
      try {
        const come = await message
        progress(clock.now() - began)
        return come
      } finally {
        timer.cancel()
      }
    },
    end() {
      timer?.cancel()
      whole.cancel()
    },
  }
}

function verified(octets: Buffer, request: Message, verifier: TsigVerifier | undefined): Message {
  const message = parsed(octets)
  const [question] = request.questions
  const [asked] = message.questions
  // Only the first message must repeat the question (RFC 5936 §2.2.1).
  const isAnother = asked !== undefined && (lowerName(asked.name) !== question.name || asked.type !== question.type)
  if (!message.response || message.id !== request.id || isAnother) throw new Error('a message is not the reply')
  // A server that does not know the key says so in a reply that cannot be verified.
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
