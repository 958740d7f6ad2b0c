/**
 * The queue of services to compile: each once for any number of events, and in pieces, so that no service blocks the
 * thread, whatever its size. Small services go first. Services with long compilations share half of the thread's time,
 * so that one flapping endpoint in a service of 65,000 costs no more than that.
 */

import type { Clock, Timer } from '../../../scheduling/clock.ts'
import { type ServiceName, serviceKey } from './on-demand-names.ts'

export interface DirtyService extends ServiceName {
  /** All its names are compiled, even if only its slices changed. */
  readonly whole: boolean
  /** It is part of the initial publication. */
  readonly listed: boolean
}

export interface ServiceQueue {
  mark(service: DirtyService): void
  /** Does one piece of work. False when nothing can be done now. */
  step(): boolean
  /** A `listed` service has not been compiled yet. */
  readonly isListing: boolean
  /** A service of the namespace has not been compiled since it was marked. */
  isPending(namespace: string): boolean
  /** Empties the queue. */
  clear(): void
}

export interface ServiceQueueOptions {
  /** Compiles the service, one piece per step. */
  readonly compile: (service: DirtyService) => Iterator<unknown>
  readonly clock: Clock
  /**
   * Milliseconds of processor time that this thread has used. With wall time, any service would seem to take long on a
   * busy machine.
   */
  readonly threadTime: () => number
  /** Called when there is work again. */
  readonly wake: () => void
}

interface Job {
  readonly service: DirtyService
  readonly pieces: Iterator<unknown>
  cost: number
}

/** Processor time, in milliseconds, above which a compilation is one of thousands of endpoints or names. */
export const longCompilation = 1
/** Most services have fewer names than this: they are compiled in one step. */
const piecesAtOnce = 8
/** The longest pause between two long compilations, in milliseconds. */
const longestPause = 1000

export function createServiceQueue({ compile, clock, threadTime, wake }: ServiceQueueOptions): ServiceQueue {
  const dirty = new Map<string, DirtyService>()
  const dirtyLong = new Map<string, DirtyService>()
  const running = new Map<string, Job>()
  /** Services whose last compilation took long. */
  const long = new Set<string>()
  const listed = new Set<string>()
  let pausedUntil = Number.NEGATIVE_INFINITY
  let timer: Timer | undefined

  /** The next service of `from` that is not being compiled. */
  function takeFrom(from: Map<string, DirtyService>): Job | undefined {
    for (const [key, service] of from) {
      if (running.has(key)) continue
      from.delete(key)
      const job = { service, pieces: compile(service), cost: 0 }
      running.set(key, job)
      return job
    }
    return undefined
  }

  function advance(job: Job, pieces: number): void {
    const key = serviceKey(job.service)
    const start = threadTime()
    let done: boolean | undefined
    for (let piece = 0; piece < pieces && !done; piece++) done = job.pieces.next().done
    job.cost += threadTime() - start
    running.delete(key)
    if (done) finish(key, job)
    // Moved to the end: running jobs take turns.
    else running.set(key, job)
  }

  function finish(key: string, { service, cost }: Job): void {
    if (service.listed) listed.delete(key)
    if (cost <= longCompilation) {
      long.delete(key)
      return
    }
    long.add(key)
    pause(Math.min(cost, longestPause))
  }

  function pause(milliseconds: number): void {
    pausedUntil = clock.now() + milliseconds
    timer?.cancel()
    timer = clock.after(milliseconds, () => {
      pausedUntil = Number.NEGATIVE_INFINITY
      if (dirtyLong.size > 0) wake()
    })
  }

  return {
    mark(service) {
      const key = serviceKey(service)
      const before = dirty.get(key) ?? dirtyLong.get(key)
      const marked = {
        ...service,
        whole: service.whole || (before?.whole ?? false),
        listed: service.listed || (before?.listed ?? false),
      }
      if (service.listed) listed.add(key)
      const inTurn = before ? dirty.has(key) : !long.has(key)
      if (inTurn) dirty.set(key, marked)
      else dirtyLong.set(key, marked)
      wake()
    },
    step() {
      const next = takeFrom(dirty)
      if (next) {
        advance(next, piecesAtOnce)
        return true
      }
      for (const job of running.values()) {
        advance(job, 1)
        return true
      }
      const nextLong = clock.now() >= pausedUntil ? takeFrom(dirtyLong) : undefined
      if (nextLong) advance(nextLong, 1)
      return nextLong !== undefined
    },
    get isListing() {
      return listed.size > 0
    },
    isPending: (namespace) =>
      [dirty, dirtyLong].some((services) =>
        [...services.values()].some((service) => service.namespace === namespace),
      ) || [...running.values()].some(({ service }) => service.namespace === namespace),
    clear() {
      for (const services of [dirty, dirtyLong, running, listed]) services.clear()
    },
  }
}
