/** Queries that the plugin chain works on: how many may at a time, what they hold, and what becomes of the rest. */
import type { Miss, MissHandler } from '../server/ingress.ts'
import { explanationRoom, writeServfail } from './error-replies.ts'
import type { FairBudget } from './fair-budget.ts'

/** A query as it was received; `ask` puts in how it releases its slot. An object of its own: nothing is copied per query. */
export interface ReceivedQuery extends Omit<Miss, 'listener' | 'releaseSlot'> {
  /** A reload may replace it while the query waits to be asked. */
  listener: Miss['listener']
  releaseSlot: Miss['releaseSlot']
}

export interface ChainSlots {
  /** Every slot is held. */
  full(): boolean
  /** Queries without a reply, those that have released their slot included. */
  pending(): number
  /**
   * Asks the plugin chain. The query holds a slot until its reply is there, or until it releases the slot to wait for
   * something slow (`Query.releaseSlot`). Without a free slot, and where waiting queries hold too many octets already,
   * it is refused (`refusal`). `deliver` is called exactly once, at once where the chain answers at once; with undefined
   * when nothing is to be sent.
   */
  ask(query: ReceivedQuery, deliver: (reply: Uint8Array | undefined) => void): void
  /** Holds a slot for what follows a reply. Call the returned function once, at its end. */
  hold(): () => void
  /** Resolves when nothing is pending. */
  settled(): Promise<void>
}

export interface ChainSlotsOptions {
  readonly onMiss: MissHandler
  /** Slots. */
  readonly limit: number
  /** Octets of waiting queries, shared by all transports. */
  readonly waiting: FairBudget
  /** A query was refused because no slot was free. */
  readonly onOverflow: () => void
  /** A query has released its slot: another one may be asked. */
  readonly onReleased?: () => void
}

/**
 * A waiting query costs several times its octets: the received message, the parsed one, what is sent upstream. The
 * constant is for the objects around them: about 1 KiB for a query that waits for one upstream, 5.8 KiB for one for a
 * Service whose endpoints are names outside of the cluster, measured. Were all of the second kind they would hold more than
 * their share, for which the process has room (docs/reliability.md, the attack with such a Service).
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

/** What a query gets for which there is no room: SERVFAIL, or nothing over UDP where the listener sheds. */
export function refusal({ request, transport, listener: { shedding } }: ReceivedQuery): Uint8Array | undefined {
  if (transport !== 'udp' || shedding === undefined) return servfail(request)
  shedding.queries.inc()
  return undefined
}

export function servfail(request: Uint8Array): Uint8Array {
  const reply = new Uint8Array(request.length + explanationRoom)
  return reply.subarray(0, writeServfail(request, 0, request.length, reply, 0))
}
