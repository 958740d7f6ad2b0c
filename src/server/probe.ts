import type { Responder } from '../answer/api.ts'
import { MISS, transportCode } from '../answer/api.ts'
import { isRelayable } from '../answer/misses.ts'
import type { Message } from '../dns/message.ts'
import { encodeMessage, parseMessage } from '../dns/wire.ts'
import { systemClock } from '../scheduling/clock.ts'

/** Asks the answer table alone, on behalf of this machine. */
export type TableProbe = (
  space: number,
  request: Message,
) => {
  readonly reply: Message | undefined
  /** Why there is no reply. */
  readonly reason: string
  readonly relayable: boolean
  /** 0 when there is a reply; otherwise see src/answer/misses.ts. */
  readonly missReason: number
}

/** 127.0.0.1: the client of the probe. */
const loopback = Uint8Array.of(127, 0, 0, 1)

/**
 * `missText` describes the responder's last miss. The responder has its own reader slot, so probing is safe at any time.
 */
export function createTableProbe(responder: Responder, missText: () => string): TableProbe {
  const reply = new Uint8Array(65_535)
  return (space, request) => {
    const octets = encodeMessage(request, { limit: 65_535 })
    responder.startBatch(systemClock.now())
    responder.from(loopback, 0, 4)
    const length = responder.answer(octets, 0, octets.length, space, transportCode.stream, reply, 0)
    const answered = length > 0 ? parseMessage(reply, 0, length) : undefined
    responder.offline()
    return {
      reply: answered,
      reason: length === MISS ? missText() : '',
      relayable: length === MISS && isRelayable(responder.missReason()),
      missReason: length === MISS ? responder.missReason() : 0,
    }
  }
}
