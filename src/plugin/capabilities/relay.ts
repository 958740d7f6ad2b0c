/**
 * The relay: UDP threads themselves pass questions to upstreams where the answer table has nothing for them and every
 * plugin of the chain would only pass them on to `forward` (docs/design.md §14).
 */
import type { TtlBounds } from '../../answer/relay.ts'
import type { RelayZone } from '../../answer/relay-routes.ts'
import { defineCapability } from '../capability.ts'
import type { Query } from '../query.ts'

/** An upstream as UDP threads know it; structured-cloneable. */
export interface RelayUpstream {
  /** Unique in the process. */
  readonly number: number
  /** Kernel socket addresses: the server's, and the one to send from. */
  readonly server: Uint8Array
  readonly source: Uint8Array | undefined
  /** Health, hedge delay and counts: see src/upstream/shared-state.ts. */
  readonly shared: SharedArrayBuffer
}

/** One `forward`, as UDP threads know it; structured-cloneable. */
export interface RelayForward {
  /** Unique in the process. */
  readonly number: number
  readonly policy: 'random' | 'round_robin' | 'sequential'
  readonly upstreams: readonly RelayUpstream[]
  /** Milliseconds that one upstream may take. */
  readonly readTimeout: number
  /** `max_concurrent`; 0: no limit. */
  readonly maxConcurrent: number
  /** Queries under way: of the chain in cell 0, of thread N in cell N + 1. */
  readonly running: Int32Array
}

/** A UDP thread that hands on what arrives at the main thread's sockets and at its own. */
export interface SocketWatcher {
  /** Returns a check whether anything that has arrived by now is still unread. */
  unread(): () => boolean
}

/** Sockets of the main thread, in an epoll set that a UDP thread watches for it. */
export interface WatchedSockets {
  readonly epoll: number
  /** Sets the watcher from now on; undefined: nobody watches. */
  watch(watcher: SocketWatcher | undefined): void
  ready(tag: number): void
}

/** Why UDP threads do not relay, for `explain`. */
export interface ReasonOfChain {
  readonly reason: string
}

/** Provided by `forward`. */
export interface RelayTarget {
  /** Undefined where there are no such sockets. */
  readonly sockets: WatchedSockets | undefined
  /** Zones whose names may be decided otherwise than those of the zone above. */
  readonly zones: readonly string[]
  /** The forward for names of the zone that are in none of the zones below it, or why the chain forwards them. */
  forwardOf(zone: string): RelayForward | ReasonOfChain
  /** Calls `changed` when the results of `forwardOf` change. */
  watch(changed: () => void): { remove(): void }
}

export const relayTarget = defineCapability<RelayTarget>('relay target')

/**
 * Provided by a plugin whose handler passes on every question outside of these zones that the table does not answer,
 * and leaves plain replies as they are, or as its data-plane effects say. It is about class IN and data types. A plugin
 * with a handler but without this capability keeps everything on the chain, unless its `transparency` or
 * `compiledSource` says what concerns it.
 */
export interface RelayPassage {
  readonly zones: readonly string[]
  /** Calls `changed` when the zones change. Absent where they never do. */
  watch?(changed: () => void): { remove(): void }
}

export const relayPassage = defineCapability<RelayPassage>('relay passage')

/** For `provides` of a plugin that lets everything pass. */
export const passesEverything: RelayPassage = { zones: [] }

/** Provided by `cache`, which gets a copy of replies that were relayed past it. */
export interface RelayKeeper {
  readonly zones: readonly string[]
  /** What it does to the TTLs of replies in its zones. */
  readonly ttls: TtlBounds
  /** The chain gets questions whose reply has expired in the table: to be served stale, counted or renewed. */
  readonly usesExpired: boolean
  /** The upstream's reply to a relayed question. */
  keep(query: Query, reply: Uint8Array): void
}

export const relayKeeper = defineCapability<RelayKeeper>('relay keeper')

/** What a listener's UDP threads relay; structured-cloneable. */
export interface RelayTable {
  readonly zones: readonly RelayZone[]
  /** Zones whose answers are compiled: names in them come first when there are too many questions. */
  readonly own: readonly string[]
  readonly routes: readonly RelayRoute[]
}

export interface RelayRoute {
  readonly forward: RelayForward
  readonly profileId: number
  /** Undefined: there is no `cache` before `forward`. Otherwise `cache` gets each reply. */
  readonly ttls: TtlBounds | undefined
  /** Whether questions are relayed whose reply has expired in the table. */
  readonly takesExpired: boolean
}
