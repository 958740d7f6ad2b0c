/** Asks the next plugin: on misses, and to renew entries that have expired or are about to. */
import { rcode, type } from '../../dns/codes.ts'
import type { Next, Outcome, Query } from '../../plugin/query.ts'
import { askNext } from './ask-next.ts'
import { createKeeper, type KeeperOptions } from './keep.ts'
import { replyFrom } from './replies.ts'
import { type Entry, secondsLeft } from './store.ts'

/** Queries that wait without a slot, each about 2 KiB; further ones keep their slots, which the transport bounds. */
const maxWithoutSlot = 4096

/**
 * Concurrent renewals. An entry that is not renewed now is renewed on its next hit, or asked for when it has expired.
 */
const maxRenewals = 64

export interface RefillOptions extends KeeperOptions {
  /** Whether the plugin answers from live data: its replies pass unchanged, TTLs included, and are not cached. */
  readonly isDynamic: (plugin: string) => boolean
  /** Called with the wildcard that made an answer, each time the answer is repeated. */
  readonly onWildcard: (query: Query, wildcard: string) => void
}

export interface Refill {
  /** Asks the next plugin; identical questions that wait at the same time share its answer. */
  miss(key: string, query: Query, next: Next): Outcome | Promise<Outcome>
  /** Renews an entry, unless a renewal is under way. False: too many are, for now. */
  inBackground(renewal: Renewal): boolean
  /**
   * A fresh answer within so many milliseconds (0: no limit), or undefined without an answer that is better than the
   * stale one.
   */
  within(milliseconds: number, renewal: Renewal): Promise<Outcome | undefined>
}

export interface Renewal {
  readonly key: string
  readonly entry: Entry
  readonly query: Query
  readonly next: Next
  /** Milliseconds to wait after a failed renewal. */
  readonly recheck: number
}

/** The next plugin's outcome as the client gets it, and its entry. */
interface Taken {
  readonly outcome: Outcome
  readonly entry: Entry | undefined
}

export function createRefill(options: RefillOptions): Refill {
  const { clock, cells, isDynamic } = options
  const keeper = createKeeper(options)
  const waiting = new Map<string, Promise<Taken>>()
  /** Queries that wait for another one's answer and have released their slots. */
  let withoutSlot = 0
  let renewing = 0

  const isUntouched = (outcome: Outcome, query: Query): boolean =>
    outcome.kind === 'drop' || outcome.forClient || isDynamic(outcome.plugin) || isTransfer(query)

  /** Stores the next plugin's reply and returns it as the client gets it. */
  function take(outcome: Outcome, key: string, query: Query): Taken {
    if (outcome.kind === 'drop' || isUntouched(outcome, query)) return { outcome, entry: undefined }
    if (outcome.kind === 'rcode') return { outcome, entry: keeper.fail(outcome, key, query) }
    const { message, entry } = keeper.take(outcome.message, key, query)
    return { outcome: { ...outcome, message }, entry }
  }

  function ask(key: string, query: Query, next: Next): Taken | Promise<Taken> {
    const outcome = askNext(query, next)
    if (!(outcome instanceof Promise)) return take(outcome, key, query)
    return outcome.then((settled) => take(settled, key, query))
  }

  async function share(flight: string, key: string, query: Query, next: Next): Promise<Outcome> {
    // It only waits: another query may have its slot.
    const takeSlotAgain = withoutSlot < maxWithoutSlot ? query.releaseSlot?.() : undefined
    if (takeSlotAgain) withoutSlot++
    const { outcome, entry } = await waiting.get(flight)!
    if (takeSlotAgain) {
      withoutSlot--
      takeSlotAgain()
    }
    if (entry?.wildcard !== undefined) options.onWildcard(query, entry.wildcard)
    if (entry && outcome.kind === 'reply') return replyFrom(entry, query, Math.max(1, secondsLeft(entry, clock.now())))
    if (!mayShare(outcome)) return (await ask(key, query, next)).outcome
    if (outcome.kind !== 'reply') return outcome
    const { message } = outcome
    return { ...outcome, message: { ...message, id: query.request.id, questions: query.request.questions } }
  }

  /** The next plugin's current outcome, asked for as over TCP if the answer is truncated otherwise. */
  async function askAgain(query: Query, next: Next): Promise<Outcome> {
    const outcome = await askNext(query, next)
    const isCut = outcome.kind === 'reply' && outcome.message.truncated && query.transport === 'udp'
    return isCut ? askNext({ ...query, transport: 'tcp' }, next) : outcome
  }

  /** The outcome as the client gets it, if it is better than the entry. */
  async function renew({ key, entry, query, next, recheck }: Renewal): Promise<Taken | undefined> {
    entry.refreshing = true
    const budget = query.budget.detach()
    let better: Taken | undefined
    try {
      const outcome = await askAgain({ ...query, budget, releaseSlot: undefined }, next)
      better = renewed(outcome, key, query)
      return better
    } finally {
      budget.close()
      entry.recheckAt = better || recheck === 0 ? 0 : clock.now() + recheck
      entry.refreshing = false
    }
  }

  function renewed(outcome: Outcome, key: string, query: Query): Taken | undefined {
    if (outcome.kind !== 'reply') return undefined
    if (isUntouched(outcome, query)) return isUsable(outcome.message.rcode) ? { outcome, entry: undefined } : undefined
    const taken = keeper.renew(outcome.message, key, query)
    return taken && { outcome: { ...outcome, message: taken.message }, entry: taken.entry }
  }

  return {
    miss(key, query, next) {
      // `loop` counts how often its HINFO question comes round: a shared answer would hide the loop from it.
      if (query.qtype === type.HINFO) return outcomeOf(ask(key, query, next))
      // An answer may be truncated over UDP, above all without EDNS.
      const flight = `${key} ${flightKind(query)}`
      if (waiting.has(flight)) return share(flight, key, query, next)
      const watch = watchSlot(query)
      // Other clients may wait for it, too: it goes on when the first client has gone.
      const budget = query.budget.detach()
      const taken = ask(key, { ...watch.query, budget }, next)
      if (!(taken instanceof Promise)) return taken.outcome
      const done = (): void => {
        budget.close()
        if (waiting.get(flight) === taken) waiting.delete(flight)
      }
      taken.then(done, done)
      // A query that waits for the cluster (`hold`) is not shared: each has its own wait.
      if (!watch.released()) waiting.set(flight, taken)
      return taken.then(({ outcome }) => outcome)
    },
    inBackground(renewal) {
      // No query waits for it: a failure leaves the entry as it is, and the next query tries again.
      if (renewal.entry.refreshing) return false
      if (renewing >= maxRenewals) {
        cells(renewal.query).skippedRenewals.inc()
        return false
      }
      renewing++
      const done = (): void => void renewing--
      renew(renewal).then((taken) => {
        done()
        const { hits, lastHitAt } = renewal.entry
        // The new entry takes over the popularity of the old one.
        if (taken?.entry) Object.assign(taken.entry, { hits, lastHitAt })
      }, done)
      return true
    },
    async within(milliseconds, renewal) {
      // Errors do not matter: there is a stale answer.
      const fresh = renew(renewal).then(
        (taken) => taken?.outcome,
        () => undefined,
      )
      if (milliseconds === 0) return fresh
      const { promise: late, resolve } = Promise.withResolvers<undefined>()
      const timer = clock.after(milliseconds, () => resolve(undefined))
      const first = await Promise.race([fresh, late])
      timer.cancel()
      return first
    },
  }
}

function flightKind({ transport, request }: Query): 'stream' | 'edns' | 'plain' {
  if (transport !== 'udp') return 'stream'
  return request.edns ? 'edns' : 'plain'
}

/** The query to pass on, and whether a plugin released its slot. */
function watchSlot(query: Query): { readonly query: Query; released(): boolean } {
  const { releaseSlot } = query
  let released = false
  if (!releaseSlot) return { query, released: () => false }
  const watched = (): (() => void) => {
    released = true
    return releaseSlot()
  }
  return { query: { ...query, releaseSlot: watched }, released: () => released }
}

/** A transfer's messages are a zone in order, not an answer. */
const isTransfer = ({ qtype }: Query): boolean => qtype === type.AXFR || qtype === type.IXFR

const outcomeOf = (taken: Taken | Promise<Taken>): Outcome | Promise<Outcome> =>
  taken instanceof Promise ? taken.then(({ outcome }) => outcome) : taken.outcome

/** Failures are shared; an answer that may not be cached may be meant for one client. */
function mayShare(outcome: Outcome): boolean {
  if (outcome.forClient) return false
  return outcome.kind === 'rcode' || (outcome.kind === 'reply' && !isUsable(outcome.message.rcode))
}

const isUsable = (code: number): boolean => code === rcode.NOERROR || code === rcode.NXDOMAIN
