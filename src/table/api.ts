/** The writer's and the readers' view of the answer table. FORMAT.md says what the bytes are. */
import type { NodeSpec, ZoneSpec } from './spec.ts'

/** What a thread needs to read the table; structured-cloneable, so it goes to a worker as workerData. */
export interface TableHandle {
  readonly memory: SharedArrayBuffer
}

/** A class: what the answers of one (server, zone, view, plugin) share. Counted together, treated alike. */
export interface ClassSpec {
  readonly server: string
  readonly zone: string
  readonly view: string
  readonly plugin: string
  /** `loadbalance`: answers and glue in random order. */
  readonly shuffle: boolean
  /** `bufsize`: the largest UDP payload that counts, 0 for none. */
  readonly maxPayload: number
}

/** One writer, the main thread. Everything it publishes is visible to readers at once and whole. */
export interface TableWriter {
  readonly handle: TableHandle
  /**
   * A space is one listener's (or several equal listeners') whole set of names. Spaces are reused when retired.
   * Until `serve(space, true)` every lookup in it is a miss.
   */
  createSpace(): number
  /** Drops every entry of the space, in slices; the number is free again afterwards. */
  retireSpace(space: number): void
  /** A class for use in `space`. At most 65,535. Equal specs share a number. */
  defineClass(spec: ClassSpec): number
  classSpec(number: number): ClassSpec
  /** Declares a zone in a space, or changes it (serial, TTL, open). */
  zone(space: number, spec: ZoneSpec): void
  put(space: number, classNumber: number, name: string, node: NodeSpec): void
  remove(space: number, name: string): void
  /**
   * Stores a whole cached reply (what `cache` keeps) under name, type, DO and CD; a compiled node of the same name
   * always wins. `reply` is a wire message without OPT whose question has the entry's name; TTLs are as of now.
   */
  putCached(space: number, classNumber: number, entry: CachedEntry): void
  removeCached(space: number, name: string, type: number, dnssecOk: boolean, checkingDisabled: boolean): void
  /** True when a node (compiled) is stored at the name. */
  has(space: number, name: string): boolean
  /** What the space has at the name, for `explain`; undefined when nothing. */
  inspect(space: number, name: string): { readonly classNumber: number; readonly node: NodeSpec } | undefined
  /** A reader's slot for the epoch protocol. `release` marks it OFFLINE: call it when the worker has exited. */
  addReader(): { readonly slot: number; release(): void }
  /** Frees what no reader can see any more. Called by the writer itself as it works; safe at any time. */
  reclaim(): void
  stats(): TableStats
}

export interface CachedEntry {
  readonly name: string
  readonly type: number
  readonly dnssecOk: boolean
  readonly checkingDisabled: boolean
  readonly reply: Uint8Array
  /** Milliseconds of the monotonic clock (hrtime) at which the entry is a miss. */
  readonly expiresAt: number
  readonly authenticData: boolean
}

export interface TableStats {
  readonly entries: number
  readonly slots: number
  readonly liveBytes: number
  readonly retiredBytes: number
  /** High-water mark of touched memory. */
  readonly committedBytes: number
}
