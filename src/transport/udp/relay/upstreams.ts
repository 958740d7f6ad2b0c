/** A thread's upstreams: their sockets, and the state shared with other threads. */
import type { Libc } from '../../../libc/libc.ts'
import type { RelayForward, RelayTable, RelayUpstream } from '../../../plugin/capabilities/relay.ts'
import { createHedgeDelay, type HedgeDelay } from '../../../upstream/hedge-delay.ts'
import { randomWord } from '../../../upstream/random.ts'
import { delayIn, type HealthCell, healthCell, type RelayCounts, relayCounts } from '../../../upstream/shared-state.ts'
import {
  createUdpSockets,
  type DescriptorPool,
  socketsPerServer,
  type UdpSockets,
} from '../../../upstream/udp-sockets.ts'

export interface UpstreamState {
  readonly number: number
  /** Its index among the upstreams of this thread. */
  readonly local: number
  readonly sockets: UdpSockets
  readonly health: HealthCell
  readonly hedgeDelay: HedgeDelay
  readonly counts: RelayCounts
}

/** Upstreams per thread; questions to others go to the chain. */
export const mostUpstreams = 32

export interface UpstreamStates {
  /** By index; undefined: not in use. */
  at(local: number): UpstreamState | undefined
  /** By the tag of a socket: tags are `local × socketsPerServer + index`. */
  ofTag(tag: number): UpstreamState | undefined
  /** Opens the upstreams of these tables and closes all others; `drop` is called before the sockets are closed. */
  keep(tables: Iterable<RelayTable>, drop: (state: UpstreamState) => void): void
  /** The indices of the forward's upstreams. */
  placesOf(forward: RelayForward): Int32Array
  close(): void
}

export interface UpstreamStatesOptions {
  readonly native: Libc
  readonly thread: number
  readonly epoll: number
  readonly descriptors: DescriptorPool
  /** Maximum number of this thread's sockets. */
  readonly mostSockets: number
}

export function createUpstreamStates(options: UpstreamStatesOptions): UpstreamStates {
  const { native, thread, epoll, descriptors } = options
  const states: (UpstreamState | undefined)[] = Array.from({ length: mostUpstreams }, () => undefined)

  function open(upstream: RelayUpstream, local: number, size: number): UpstreamState {
    const { number, server, source, shared } = upstream
    const tag = local * socketsPerServer
    return {
      number,
      local,
      sockets: createUdpSockets({ native, server, source, epoll, tag, size, descriptors }),
      health: healthCell(shared),
      hedgeDelay: createHedgeDelay(delayIn(shared)),
      counts: relayCounts(shared, thread),
    }
  }

  return {
    at: (local) => states[local],
    ofTag: (tag) => states[Math.floor(tag / socketsPerServer)],
    keep(tables, drop) {
      const wanted = new Map<number, RelayUpstream>()
      for (const { routes } of tables)
        for (const { forward } of routes)
          for (const upstream of forward.upstreams) wanted.set(upstream.number, upstream)
      for (const [local, state] of states.entries()) {
        if (state === undefined || wanted.delete(state.number)) continue
        drop(state)
        state.sockets.close()
        states[local] = undefined
      }
      const all = states.filter((state) => state !== undefined).length + wanted.size
      const size = Math.min(socketsPerServer, Math.floor(options.mostSockets / Math.min(all, mostUpstreams)))
      if (size === 0) return
      for (const upstream of wanted.values()) {
        const local = states.indexOf(undefined)
        if (local < 0) return
        states[local] = open(upstream, local, size)
      }
    },
    placesOf({ upstreams }) {
      const known = upstreams.flatMap(({ number }) => states.find((state) => state?.number === number)?.local ?? [])
      // If one of them is missing the order would differ, so the chain takes all questions.
      return Int32Array.from(known.length === upstreams.length ? known : [])
    },
    close() {
      for (const state of states) state?.sockets.close()
    },
  }
}

/** Selects the upstream that a question goes to first. */
export interface UpstreamChoice {
  /** The index of a healthy upstream, or -1. */
  choose(): number
}

export function createChoice(
  policy: RelayForward['policy'],
  places: Int32Array,
  states: UpstreamStates,
): UpstreamChoice {
  // As in the chain, the first turn goes to the second upstream.
  let turn = 1
  const isHealthy = (local: number): boolean => states.at(local)?.health.blocked() === false

  /** Each healthy one is equally likely: the neighbour of an unhealthy one gets no more than the others. */
  function atRandom(): number {
    let healthy = 0
    for (let i = 0; i < places.length; i++) if (isHealthy(places[i])) healthy++
    let skipped = healthy > 0 ? randomWord() % healthy : 0
    for (let i = 0; i < places.length; i++) if (isHealthy(places[i]) && skipped-- === 0) return places[i]
    return -1
  }

  return {
    choose() {
      if (policy === 'random') return atRandom()
      const from = policy === 'sequential' ? 0 : turn++ % places.length
      for (let i = 0; i < places.length; i++) {
        const local = places[(from + i) % places.length]
        if (isHealthy(local)) return local
      }
      return -1
    },
  }
}
