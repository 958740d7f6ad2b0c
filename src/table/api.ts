/** The writer's and the readers' view of the answer table. FORMAT.md defines the octets. */
import type { NodeSpec, SpaceRules, ZoneSpec } from './spec.ts'

/** What a thread needs to read the table. Structured-cloneable: passed to workers as workerData. */
export interface TableHandle {
  readonly memory: SharedArrayBuffer
  /** The readers' counters: see src/answer/counters.ts. */
  readonly counters: SharedArrayBuffer
  /** The readers' sketches of what is asked most: see src/answer/sketch. */
  readonly sketches: SharedArrayBuffer
}

/** What the answers of one (server, zone, view, plugin) share: how they are counted and treated. */
export interface AnswerProfile {
  readonly server: string
  readonly zone: string
  readonly view: string
  readonly plugin: string
  /** `loadbalance`: answers and glue in random order. */
  readonly shuffle: boolean
  /** `bufsize`: the largest UDP payload size, 0 for no limit. */
  readonly maxPayload: number
  /** `minimal`: positive answers have no additional section. */
  readonly minimal?: boolean
  /** `header`: flags to set or clear in every answer; absent ones stay as the table sets them (AA set, RA clear, RD as asked). */
  readonly header?: HeaderFlags
  /** `log`: the queries that it observes. Absent: none. */
  readonly observe?: Observed
}

export interface HeaderFlags {
  readonly authoritative?: boolean
  readonly recursionAvailable?: boolean
  readonly recursionDesired?: boolean
}

/** Which of the queries that the data plane answers are reported to the control plane. */
export interface Observed {
  readonly answers: boolean
  /** NXDOMAIN and NODATA, with their SOA. */
  readonly denials: boolean
}

/** One writer, the main thread. Readers see each published change at once and complete. */
export interface TableWriter {
  readonly handle: TableHandle
  /**
   * Creates a space: the set of names of one listener (or of several equal listeners); at most 4,096 at a time. Numbers are
   * not reused, so a late use of a retired space has no effect, and its lookups are misses. Readers find what is put into
   * the space as soon as it is put.
   */
  createSpace(): number
  /** Makes every lookup in the space a miss and drops its entries, in slices. */
  retireSpace(space: number): void
  /**
   * A profile for use in `space`. Equal specs share a number. There are 65,535, and they are never released: a space that
   * needs one more is left to the chain, and whatever is put into it has no effect.
   */
  defineProfile(space: number, spec: AnswerProfile): number
  profileOf(number: number): AnswerProfile
  /**
   * Declares a zone in a space, or changes it (serial, TTL, open). Like `put`, throws TableFull when memory runs out; the
   * space is then left to the chain, because its entries may be outdated.
   */
  zone(space: number, spec: ZoneSpec): void
  /** Declares a zone for nodes that need one but none of its denials. An already declared zone stays unchanged. */
  zoneUnlessKnown(space: number, spec: ZoneSpec): void
  /**
   * Replaces the rules of a space: what is decided by name, type and client before its names are looked up. Throws
   * TableFull like `zone`.
   */
  rules(space: number, rules: SpaceRules): void
  put(space: number, profileId: number, name: string, node: NodeSpec): void
  remove(space: number, name: string): void
  /**
   * Stores a complete cached reply (from `cache`) under name, type, DO and CD; a compiled node of the same name always
   * wins. `reply` is a wire message without OPT whose question has the entry's name; TTLs are as of now.
   */
  putCached(space: number, profileId: number, entry: CachedEntry): void
  removeCached(space: number, name: string, type: number, dnssecOk: boolean, checkingDisabled: boolean): void
  /** The plugin whose node is stored at the name. */
  pluginAt(space: number, name: string): string | undefined
  /** A reader's slot for the epoch protocol. `release` marks it OFFLINE: call it after the worker has exited. */
  addReader(): { readonly slot: number; release(): void }
  /**
   * Frees what no reader can access any more, and continues dropping retired spaces. The writer calls it as it works; safe
   * to call at any time.
   */
  reclaim(): void
  stats(): TableStats
}

export interface CachedEntry {
  readonly name: string
  readonly type: number
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
  readonly reply: Uint8Array
  /** Milliseconds of the monotonic clock (hrtime) from which the entry is a miss. */
  readonly expiresAt: number
  readonly authenticData: boolean
  /** Milliseconds of the same clock at which the TTLs were correct. Default: now. */
  readonly storedAt?: number
  /** TTLs are sent as they are stored (`keepttl`). */
  readonly keepTtl?: boolean
  /** Counted as a denial hit. Default: the rcode is not NOERROR, or the answer is empty. */
  readonly denial?: boolean
  /** Octets of the reply without name compression, for logs and counters. Default: the length of `reply`. */
  readonly octets?: number
}

export interface TableStats {
  readonly entries: number
  /** Entries among them that are cached replies, and their octets. */
  readonly cachedEntries: number
  readonly cachedBytes: number
  readonly slots: number
  readonly liveBytes: number
  readonly retiredBytes: number
  /** High-water mark of touched memory. */
  readonly committedBytes: number
  /** Profiles defined so far. */
  readonly profiles: number
  /** Spaces left to the chain, by exhausted resource. */
  readonly unserved: Readonly<Record<UnservedReason, number>>
}

/** The exhausted resource for which a space is left to the chain. */
export type UnservedReason = 'memory' | 'profiles'
