/** Exchanges begun by a thread and continued by the chain, until their answers arrive through the thread's ring. */
import { getSystemErrorName } from 'node:util'
import { linux } from '../../libc/libc.ts'
import type { BegunExchange, BegunReceiver } from '../../plugin/begun-exchange.ts'
import { type MissView, missKind, missRecord } from './miss-ring.ts'

/** One per thread, because its records arrive in order. */
export interface BegunExchanges {
  /** The exchange of the query in the record at `at`; undefined if none was begun. */
  of(ring: MissView, at: number): BegunExchange | undefined
  /** Handles a record without a query. */
  settle(ring: MissView, at: number): void
}

export function createBegunExchanges(): BegunExchanges {
  /** Exchanges whose answers may still arrive. */
  const waiting = new Map<number, BegunReceiver>()
  const word = (ring: MissView, at: number, offset: number): number => ring.words[(at + offset) >> 2]

  /** A copy, because the record is about to be returned to the thread. */
  function replyIn(ring: MissView, at: number): Uint8Array {
    const from = at + missRecord.message + word(ring, at, missRecord.length)
    return ring.bytes.slice(from, from + word(ring, at, missRecord.reply))
  }

  /** The error as node:dgram would report it. */
  function errorIn(ring: MissView, at: number): Error {
    const code = getSystemErrorName(-word(ring, at, missRecord.reply))
    return Object.assign(new Error(`recv ${code}`), { code })
  }

  function begunWith(ring: MissView, at: number, take: BegunExchange['take']): BegunExchange {
    const upstream = word(ring, at, missRecord.upstream)
    return { upstream, startedAt: ring.floats[(at + missRecord.startedAt) >> 3], take }
  }

  return {
    of(ring, at) {
      const kind = word(ring, at, missRecord.kind)
      if (kind === missKind.answered) {
        const reply = replyIn(ring, at)
        return begunWith(ring, at, (receiver) => {
          queueMicrotask(() => receiver.answer(reply))
          return { cancel: () => undefined }
        })
      }
      if (kind === missKind.failed) {
        const error = errorIn(ring, at)
        return begunWith(ring, at, (receiver) => {
          queueMicrotask(() => receiver.failed(error))
          return { cancel: () => undefined }
        })
      }
      if (kind !== missKind.waiting) return undefined
      const exchange = word(ring, at, missRecord.exchange)
      return begunWith(ring, at, (receiver) => {
        waiting.set(exchange, receiver)
        return { cancel: () => void (waiting.get(exchange) === receiver && waiting.delete(exchange)) }
      })
    },
    settle(ring, at) {
      const exchange = word(ring, at, missRecord.exchange)
      const receiver = waiting.get(exchange)
      if (receiver === undefined) return
      if (word(ring, at, missRecord.kind) === missKind.lost) {
        waiting.delete(exchange)
        if (word(ring, at, missRecord.reply) === linux.ECANCELED) receiver.takenBack()
        else receiver.failed(errorIn(ring, at))
      } else if (receiver.answer(replyIn(ring, at))) waiting.delete(exchange)
    },
  }
}
