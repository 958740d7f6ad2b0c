/** Limits the queries that the plugin chain works on at a time, and refuses the rest. */
import type { Miss, MissHandler } from '../server/ingress.ts'
import { explanationRoom, writeServfail } from './error-replies.ts'
import type { FairBudget } from './fair-budget.ts'

/** A query as received; `ask` adds `releaseSlot` to the object itself, so that nothing is copied per query. */
export interface ReceivedQuery extends Omit<Miss, 'listener' | 'releaseSlot'> {
  /** Replaced by a reload that happens while the query waits. */
  listener: Miss['listener']
  releaseSlot: Miss['releaseSlot']
}

export interface ChainSlots {
  /** Whether every slot is taken. */
  full(): boolean
  /** Queries without a reply, including those that have released their slot. */
  pending(): number
  /**
   * Asks the plugin chain. The query holds a slot until it is answered, or until it releases the slot to wait for something
   * slow (`Query.releaseSlot`). It is refused (`refusal`) when no slot is free, or when waiting queries hold too many octets.
   * `deliver` is called exactly once, synchronously if the chain answers synchronously; with undefined when nothing is to
   * be sent.
   */
  ask(query: ReceivedQuery, deliver: (reply: Uint8Array | undefined) => void): void
  /** Holds a slot for work after a reply (a zone transfer). Call the returned function once, at its end. */
  hold(): () => void
  /** Resolves when no query is pending. */
  settled(): Promise<void>
}

export interface ChainSlotsOptions {
  readonly onMiss: MissHandler
  /** Slots. */
  readonly limit: number
  /** Budget of octets for waiting queries, shared by all transports. */
  readonly waiting: FairBudget
  /** Called when a query is refused because no slot was free. */
  readonly onOverflow: () => void
  /** Called when a query has released its slot, so that another one may be asked. */
  readonly onReleased?: () => void
}

/**
 * Octets that a waiting query holds: several times its length, for the received message, the parsed one and the one sent
 * upstream, plus a constant for the objects around them. Measured: about 1 KiB for a query that waits for one upstream,
 * 5.8 KiB for a Service whose endpoints are names outside the cluster. If all were of the latter kind they would exceed
 * this budget, for which the process has reserves (docs/reliability.md, the attack with such a Service).
 */
const waitingCost = (request: Uint8Array): number => 4 * request.length + 3.5 * 1024

export function createChainSlots(options: ChainSlotsOptions): ChainSlots {
  const { onMiss, limit, waiting, onReleased } = options
  let pending = 0
  let held = 0
  const idle: (() => void)[] = []

  function finish(holdsSlot: boolean): void {
    if (holdsSlot) held--
    if (--pending === 0) for (const resolve of idle.splice(0)) resolve()
  }

  function ask(query: ReceivedQuery, deliver: (reply: Uint8Array | undefined) => void): void {
    const { request, client } = query
    const cost = waitingCost(request)
    if (held >= limit || !waiting.allows(client.address, cost)) {
      if (held >= limit) options.onOverflow()
      deliver(refusal(query))
      return
    }
    let state: 'held' | 'released' | 'finished' = 'held'
    pending++
    held++
    query.releaseSlot = () => {
      if (state === 'held') {
        state = 'released'
        held--
        onReleased?.()
      }
      return () => {
        if (state !== 'released') return
        state = 'held'
        held++
      }
    }
    const reply = onMiss(query)
    if (!(reply instanceof Promise)) {
      finish(state === 'held')
      state = 'finished'
      deliver(reply)
      return
    }
    waiting.take(client.address, cost)
    const settle = (octets: Uint8Array | undefined): void => {
      finish(state === 'held')
      state = 'finished'
      waiting.give(client.address, cost)
      deliver(octets)
    }
    reply.then(settle, () => settle(undefined))
  }

  return {
    full: () => held >= limit,
    pending: () => pending,
    ask,
    hold() {
      pending++
      held++
      return () => finish(true)
    },
    settled: () => (pending === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))),
  }
}

/** The reply to a query that is refused: SERVFAIL, or none over UDP if the listener has `shed`. */
export function refusal({ request, transport, listener: { shedding } }: ReceivedQuery): Uint8Array | undefined {
  if (transport !== 'udp' || shedding === undefined) return servfail(request)
  shedding.queries.inc()
  return undefined
}

export function servfail(request: Uint8Array): Uint8Array {
  const reply = new Uint8Array(request.length + explanationRoom)
  return reply.subarray(0, writeServfail(request, 0, request.length, reply, 0))
}
