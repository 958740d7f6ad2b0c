/** The relay's exchanges that end without an answer, or continue on the chain: late, failed, or no longer wanted. */
import { linux } from '../../../libc/libc.ts'
import type { ClientReplies } from './client-replies.ts'
import { type Exchanges, listsOfUpstream } from './exchanges.ts'
import type { HandOver } from './hand-over.ts'
import { NONE } from './in-flight.ts'
import { slotState } from './slots.ts'
import { mostUpstreams, type UpstreamState, type UpstreamStates } from './upstreams.ts'

export interface GivingUpOptions {
  readonly exchanges: Exchanges
  readonly states: UpstreamStates
  readonly replies: ClientReplies
  readonly handOver: HandOver
}

export interface GivingUp {
  /** The slot's exchange has failed. */
  failed(slot: number, errno: number): void
  /** Frees the slot of the oldest exchange lent to the chain, which then continues without its answer. False: no slot is lent. */
  makeRoom(): boolean
  /** Hands over late exchanges, and closes sockets that are past their time. */
  expire(now: number): void
  /** Milliseconds until something expires; -1: nothing is in progress, and no socket is open. */
  nextDeadline(now: number): number
  /** Whether an upstream may still answer. */
  isUnderWay(): boolean
  /** The upstream is no longer used: the chain starts its queries from the beginning, including those lent to it. */
  drop(upstream: UpstreamState): void
  /** Hands over every query received on this socket. */
  leave(listener: number): void
  /** No more answers come through this thread: the chain asks again. */
  close(): void
}

/** Milliseconds during which a late answer is still passed to the chain: longer than the chain waits for any upstream. */
const lentFor = 5000

export function createGivingUp({ exchanges, states, replies, handOver }: GivingUpOptions): GivingUp {
  const { slots } = exchanges

  const deadlineOf = (slot: number, upstream: UpstreamState): number =>
    slots.sentAt[slot] + slots.route[slot]!.hedgeDelay(upstream)

  function handOverSharers(slot: number): void {
    for (let sharer = exchanges.takeSharer(slot); sharer !== NONE; sharer = exchanges.takeSharer(slot)) {
      handOver.untried(sharer)
      slots.free(sharer)
    }
  }

  function lend(slot: number): void {
    handOverSharers(slot)
    handOver.waiting(slot)
    exchanges.lend(slot)
  }

  function expireList(upstream: UpstreamState, list: number, now: number): void {
    const { local, sockets } = upstream
    for (let slot = exchanges.oldestOf(local, list); slot !== NONE; slot = exchanges.oldestOf(local, list)) {
      if (now < deadlineOf(slot, upstream)) return
      // The path may be dead; another port may take another path.
      sockets.spend(slots.socket[slot])
      lend(slot)
    }
  }

  function restart(slot: number): void {
    exchanges.end(slot)
    handOver.untried(slot)
    handOverSharers(slot)
    slots.free(slot)
  }

  /** Tells the chain not to wait for an answer that cannot arrive. */
  function takeBack(slot: number): void {
    handOver.lost(slot, linux.ECANCELED)
    exchanges.endLent(slot)
  }

  function send(): void {
    replies.flush()
    handOver.publish()
  }

  return {
    failed(slot, errno) {
      if (slots.state[slot] === slotState.lent) {
        handOver.lost(slot, errno)
        exchanges.endLent(slot)
        return
      }
      handOverSharers(slot)
      exchanges.end(slot)
      handOver.failed(slot, errno)
      slots.free(slot)
    },
    makeRoom() {
      const oldest = exchanges.oldestLent()
      if (oldest !== NONE) takeBack(oldest)
      return oldest !== NONE
    },
    expire(now) {
      for (let local = 0; local < mostUpstreams; local++) {
        const upstream = states.at(local)
        if (upstream === undefined) continue
        for (let list = 0; list < listsOfUpstream; list++) expireList(upstream, list, now)
        upstream.sockets.retire(now)
      }
      for (let slot = exchanges.oldestLent(); slot !== NONE; slot = exchanges.oldestLent()) {
        if (now < slots.sentAt[slot] + lentFor) break
        exchanges.endLent(slot)
      }
      send()
    },
    nextDeadline(now) {
      let next = Number.POSITIVE_INFINITY
      for (let local = 0; local < mostUpstreams; local++) {
        const upstream = states.at(local)
        if (upstream === undefined) continue
        next = Math.min(next, upstream.sockets.retireAt())
        for (let list = 0; list < listsOfUpstream; list++) {
          const slot = exchanges.oldestOf(local, list)
          if (slot !== NONE) next = Math.min(next, deadlineOf(slot, upstream))
        }
      }
      const slot = exchanges.oldestLent()
      if (slot !== NONE) next = Math.min(next, slots.sentAt[slot] + lentFor)
      return next === Number.POSITIVE_INFINITY ? -1 : Math.max(0, Math.ceil(next - now))
    },
    isUnderWay() {
      if (exchanges.oldestLent() !== NONE) return true
      for (let local = 0; local < mostUpstreams; local++)
        for (let list = 0; list < listsOfUpstream; list++) if (exchanges.oldestOf(local, list) !== NONE) return true
      return false
    },
    drop({ local }) {
      for (let list = 0; list < listsOfUpstream; list++)
        for (let slot = exchanges.oldestOf(local, list); slot !== NONE; slot = exchanges.oldestOf(local, list))
          restart(slot)
      for (let slot = exchanges.oldestLent(); slot !== NONE; ) {
        const next = exchanges.afterByAge(slot)
        if (slots.upstream[slot] === local) takeBack(slot)
        slot = next
      }
      send()
    },
    leave(listener) {
      for (let slot = 0; slot < slots.size; slot++)
        if (slots.state[slot] === slotState.asked && exchanges.concerns(slot, listener)) restart(slot)
      send()
    },
    close() {
      for (let slot = exchanges.oldestLent(); slot !== NONE; slot = exchanges.oldestLent()) takeBack(slot)
      handOver.publish()
      states.close()
    },
  }
}
