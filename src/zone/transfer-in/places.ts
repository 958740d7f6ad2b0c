/**
 * Limits concurrent transfers and decides whose turn it is. Each has a connection, received octets and a growing zone; a thousand
 * zones may be due at once, all from a primary that sends endlessly.
 */
import type { Held, ProcessState } from '../../plugin/contract.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { type CooperativeScheduler, createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { type Endpoint, endpointText } from '../../upstream/connection.ts'

/** Concurrent transfers, in total and per primary: BIND's `transfers-in` and `transfers-per-ns`. */
export const mostPlaces = 10
export const mostPlacesOfPrimary = 2

/** Milliseconds: queries take precedence. With the usual slices of 20 ms, TCP clients were seen to wait for seconds. */
const longestSlice = 4

export interface TransferPlaces {
  /** Resolves when a zone may be requested from this primary. Rejects if the primary turns out not to answer, or on abort. */
  enter(primary: Endpoint, signal: AbortSignal): Promise<Place>
}

export interface Place {
  /** Another zone waits for the place. */
  readonly isWanted: boolean
  /** Shared by all transfers: together they take one slice per turn of the event loop. */
  readonly scheduler: CooperativeScheduler
  /**
   * Waits for the turn to read a message, and resolves with a function that ends it. Messages of all transfers are processed one
   * after another, because as objects they are many times larger than on the wire.
   */
  messageTurn(): Promise<() => void>
  /**
   * The primary has not answered at all. Zones that wait for it are rejected at once; otherwise each would wait as long, one after
   * another, before asking its next primary.
   */
  unanswered(reason: Error): void
  leave(): void
}

interface Waiting {
  admit(): void
  refuse(reason: Error): void
}

export function createTransferPlaces(clock: Clock): TransferPlaces {
  const scheduler = createCooperativeScheduler(clock, longestSlice)
  /** By primary, in order of turns; no queue is empty. */
  const queues = new Map<string, Set<Waiting>>()
  const taken = new Map<string, number>()
  let allTaken = 0
  let lastMessage: Promise<void> = Promise.resolve()

  const takenOf = (primary: string): number => taken.get(primary) ?? 0
  const isFree = (primary: string): boolean => allTaken < mostPlaces && takenOf(primary) < mostPlacesOfPrimary

  function count(primary: string, change: 1 | -1): void {
    allTaken += change
    const now = takenOf(primary) + change
    if (now > 0) taken.set(primary, now)
    else taken.delete(primary)
  }

  /** Afterwards, the other primaries' turns come first. */
  function admitNext(): void {
    for (const [primary, queue] of queues) {
      if (!isFree(primary)) continue
      const [first] = queue
      queue.delete(first)
      queues.delete(primary)
      if (queue.size > 0) queues.set(primary, queue)
      first.admit()
      return
    }
  }

  function leaveQueue(primary: string, waiting: Waiting): void {
    const queue = queues.get(primary)
    queue?.delete(waiting)
    if (queue?.size === 0) queues.delete(primary)
  }

  async function messageTurn(): Promise<() => void> {
    const before = lastMessage
    const { promise, resolve } = Promise.withResolvers<void>()
    lastMessage = promise
    await before
    // A message without records takes time, too.
    scheduler.begin()
    if (scheduler.due) await scheduler.rest()
    return resolve
  }

  function placeAt(primary: string): Place {
    let isLeft = false
    count(primary, 1)
    return {
      scheduler,
      messageTurn,
      get isWanted() {
        return queues.has(primary) || (allTaken >= mostPlaces && queues.size > 0)
      },
      unanswered(reason) {
        const queue = queues.get(primary)
        queues.delete(primary)
        for (const waiting of queue ?? []) waiting.refuse(reason)
      },
      leave() {
        if (isLeft) return
        isLeft = true
        count(primary, -1)
        admitNext()
      },
    }
  }

  return {
    enter(at, signal) {
      const primary = endpointText(at)
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(new Error('stopped'))
        if (isFree(primary)) return resolve(placeAt(primary))
        const abort = (): void => {
          leaveQueue(primary, waiting)
          reject(new Error('stopped'))
        }
        const waiting: Waiting = {
          admit() {
            signal.removeEventListener('abort', abort)
            resolve(placeAt(primary))
          },
          refuse(reason) {
            signal.removeEventListener('abort', abort)
            reject(reason)
          },
        }
        const queue = queues.get(primary)
        if (queue) queue.add(waiting)
        else queues.set(primary, new Set([waiting]))
        signal.addEventListener('abort', abort, { once: true })
      })
    },
  }
}

/** The process's transfer places, shared by its configurations. */
export const holdTransferPlaces = (process: ProcessState, clock: Clock): Held<TransferPlaces> =>
  process.acquire('transfer places', () => ({ value: createTransferPlaces(clock), stop: () => undefined }))
