/**
 * The relay: UDP threads pass questions to upstreams by themselves where the answer table has nothing for them and every
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
  /** Health, patience and counts: see src/upstream/shared-state.ts. */
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

/** Whoever passes on what sockets of the main thread, and a thread's own, have received. */
export interface SocketWatcher {
  /** Gives whether something is still unread of what has come by now. */
  unread(): () => boolean
}

/** Sockets of the main thread, in an epoll set that a UDP thread watches for it. */
export interface WatchedSockets {
  readonly epoll: number
  /** This one watches from now on; undefined: nobody does. */
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
  /** Zones at which another decision may begin than above them. */
  readonly zones: readonly string[]
  /** Where names of the zone go that are in none of the zones below it, or why the chain forwards them. */
  forwardOf(zone: string): RelayForward | ReasonOfChain
  /** Calls `changed` when `forwardOf` gives something else. */
  watch(changed: () => void): { remove(): void }
}

export const relayTarget = defineCapability<RelayTarget>('relay target')

/**
 * Provided by a plugin with a handler that does nothing with a question which the table has no answer for, except in these
 * zones, and leaves plain replies as they are, or as its data-plane effects say. Class IN; types that are data. A plugin
 * without it keeps everything on the chain, unless its `transparency` or its `compiledSource` says what concerns it.
 */
export interface RelayPassage {
  readonly zones: readonly string[]
  /** Calls `changed` when the zones are others. Absent where they stay. */
  watch?(changed: () => void): { remove(): void }
}

export const relayPassage = defineCapability<RelayPassage>('relay passage')

/** For `provides` of a plugin that lets everything pass. */
export const passesEverything: RelayPassage = { zones: [] }

/** Provided by `cache`: it hears of replies that were relayed past it. */
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
  /** Undefined: no `cache` in front. Else each reply is handed to it. */
  readonly ttls: TtlBounds | undefined
  /** Whether questions are relayed whose reply has expired in the table. */
  readonly takesExpired: boolean
}
