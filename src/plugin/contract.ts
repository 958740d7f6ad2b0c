/**
 * What a plugin is. A plugin is one folder below `src/plugins/`: `index.ts` exports one `Plugin`; the schema says how
 * its directive is written, `setup` turns checked settings into an `Instance`. Whatever does not depend on the query is
 * decided in `setup`.
 */

import type { DataPlaneSample } from '../answer/api.ts'
import type { ClusterContext } from '../cluster-dns/context.ts'
import type { Directive, DirectiveSchema, Position } from '../corefile/schema.ts'
import type { ResourceRecord } from '../dns/message.ts'
import type { Cluster } from '../k8s/model/types.ts'
import type { ProcessLimits } from '../process-limits/index.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { CachedEntry } from '../table/api.ts'
import type { NodeSpec, ZoneSpec } from '../table/spec.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { QueryObserver } from './observer.ts'
import type { Handler, Query } from './query.ts'

export interface Plugin<Settings = unknown> {
  /** The directive's word. */
  readonly name: string
  readonly schema: DirectiveSchema<Settings>
  /** No I/O but reading files that the settings name. Throws ConfigError (through `setup.fail`) on bad settings. */
  setup(settings: Settings, setup: Setup): Instance
}

/** What the server gives a plugin at set-up. */
export interface Setup {
  readonly directive: Directive
  readonly block: BlockFacts
  /** Writes lines as `[LEVEL] plugin/NAME: text`. */
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  /** What belongs to the process and outlives a reload. */
  readonly process: ProcessState
  /** Throws a ConfigError that names the plugin and the place. */
  fail(message: string, position?: Position): never
}

/** The server block that a plugin is set up in. */
export interface BlockFacts {
  /** The block's zones, lower case and absolute, in the order of its keys; CIDR keys expanded. */
  readonly zones: readonly string[]
  /** The first key's port. */
  readonly port: number
  readonly scheme: 'dns' | 'tls' | 'https' | 'grpc' | 'quic' | 'https3'
  /** The folder of the `root` directive, or the working directory: base of relative paths. */
  readonly root: string
  /** The Corefile's own folder and path. */
  readonly corefile: string
  /** The words of every directive in this block. */
  readonly directives: readonly string[]
  /** The addresses that the block is bound to (`bind`), or [] for the wildcard. Known when the block has been set up. */
  readonly addresses: readonly string[]
  /** What the block's metrics carry as `server`, `zone`, `view`, once it serves: one per listener. */
  readonly servers: readonly string[]
  /** Instances of the same block by plugin name: an `autopath @kubernetes` finds its partner. Complete at `start`. */
  instance(name: string): Instance | undefined
  /** All of them in chain order. Complete at `start`. */
  instances(): readonly Instance[]
}

/** State of the process that a reload hands on instead of building it anew. */
export interface ProcessState {
  /**
   * The value under `key`, made by `make` for the first holder and kept while anyone holds it. `stop` runs when the
   * last holder has released it. A reload acquires for the new configuration before the old one releases, so what both
   * use (a reflector, an HTTP listener) is never interrupted.
   */
  acquire<T>(key: string, make: () => Shared<T>): Held<T>
  /** Asks the server for a reload (the `reload` plugin, signals). */
  reload(reason: string): Promise<ReloadResult>
  /** SHA-512 in hex of the Corefile that runs, imports included. */
  readonly configHash: string
  /** Reads and parses the Corefile again, with imports, and gives its hash. Throws ConfigError. */
  readConfigHash(): string
  /** Ends the process with `[FATAL] text` and exit code 1 (`loop`). */
  fatal(text: string): never
  /** Sums of the data plane's counters, for the prometheus plugin: see src/answer/counters.ts. */
  readonly dataPlane: DataPlaneFacts
  /** Descriptors and memory that the process may use, divided: what a plugin's bounds are taken from. */
  readonly limits: ProcessLimits
}

export type { DataPlaneSample, HistogramSample } from '../answer/api.ts'

export interface DataPlaneFacts {
  /** Every cell of the answered-by-table counters that is not zero, with its labels. */
  collect(): Iterable<DataPlaneSample>
}

export interface Shared<T> {
  readonly value: T
  /** Runs once, when the first holder has it. */
  start?(): void
  stop(): Promise<void> | void
}

export interface Held<T> {
  readonly value: T
  release(): void
}

export type ReloadResult = { readonly ok: true } | { readonly ok: false; readonly error: string }

/** A configured plugin of one server block. */
export interface Instance {
  /** Its place in the chain; absent for those that only configure (bind, reload, health). */
  readonly handler?: Handler
  /** How it treats names that a later plugin would answer from the table. Absent: transparent to every answer. */
  readonly transparency?: Transparency
  /** What the data plane does on the plugin's behalf for answers from the table. */
  readonly effects?: DataPlaneEffects
  /** Is told of queries that the data plane answered, for it sees only those of the chain itself (`log`). */
  readonly observer?: QueryObserver
  /** What it can compile into the answer table. */
  readonly source?: CompiledSource
  /** Whole replies that it keeps and lets the data plane repeat (`cache`). */
  readonly replies?: ReplySource
  /** Zones that it can give away whole (`transfer`). */
  readonly transfer?: TransferSource
  /**
   * Zones in which it answers what it has at the moment, and lets others answer what it has not: what they said, and
   * `cache` kept, is true for as long as its handler passes the question on. The handler may be asked just to see.
   */
  readonly live?: readonly string[]
  /** The cluster that it answers from, for others of the block that do so too (`k8s_external`). */
  readonly cluster?: SharedCluster
  /** What it knows of its clients' search lists (`autopath @NAME`). */
  readonly search?: SearchLists
  /** Readiness for the `ready` plugin: absent means that it has nothing to report. */
  ready?(): boolean
  /** Milliseconds that shutdown goes on answering (`health { lameduck }`). */
  readonly lameduck?: number
  /** Addresses to listen on (`bind`). */
  readonly bind?: readonly string[]
  /** UDP threads (`multisocket`). */
  readonly shards?: number
  /** Opens what it needs (HTTP listeners, watches). Runs before the DNS sockets are bound, in chain order. */
  start?(): Promise<void> | void
  /** Runs once the block's DNS sockets answer (`loop` asks itself here). */
  serving?(): void
  /**
   * Ends what `setup` and `start` began: at a reload, at shutdown after lameduck, and when the configuration cannot start,
   * also where `start` threw half-way or was never called. Called once.
   */
  stop?(): Promise<void> | void
  /** SIGTERM has come: runs before lameduck (`ready` turns 503 here). */
  drain?(): void
  /** Questions worth trying (`NAME TYPE`), for the first lines that a person sees. */
  examples?(): readonly string[]
  /** Lines for `slicedns explain`: what this plugin would do with the query, and why. */
  explain?(query: Query): readonly string[]
}

/** Zones that can be transferred (RFC 5936). */
export interface TransferSource {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  /** The zone's serial; undefined while not all of the zone is known. */
  serial(zone: string): number | undefined
  /** The zone as it is at this moment; undefined likewise. */
  snapshot(zone: string): ZoneSnapshot | undefined
  /** Calls back when a serial may have moved, until stopped. The call is no place for work. */
  watch(changed: () => void): { stop(): void }
}

export interface ZoneSnapshot {
  readonly serial: number
  readonly soa: ResourceRecord
  /** Everything but the SOA, each record made as it is asked for. */
  readonly records: Iterator<ResourceRecord>
}

/** Each throws before the plugin has started. */
export interface SharedCluster extends Pick<Cluster, 'subscribe' | 'sealSerials'> {
  context(): ClusterContext
}

export interface SearchLists {
  /** The domains that the client's resolver appends to names, lower case and absolute; undefined when not known. */
  of(query: Query): readonly string[] | undefined
  /** Whether this domain (lower case, absolute) may be the first of a client's. */
  mayBegin(domain: string): boolean
}

export interface DataPlaneEffects {
  /** Answers and glue in random order. */
  readonly shuffle?: boolean
  /** The largest UDP payload that a client may ask for (`bufsize`). */
  readonly maxPayload?: number
}

export interface Transparency {
  /**
   * Queries for this name (lower case, absolute) pass unaltered, and so does their answer. `records`: that is so of
   * answers with records; NODATA and NXDOMAIN it may replace.
   */
  passes(name: string): boolean | 'records'
  /** The same for every name at and below it: asked before a missing name may be answered NXDOMAIN from the table. */
  passesBelow(name: string): boolean
  /** For `explain`: why others do not pass. */
  readonly reason: string
}

/** A plugin whose answers can be computed ahead of the queries. */
export interface CompiledSource {
  /** Zones that it answers for, lower case and absolute. */
  readonly zones: readonly string[]
  /** Publishes everything into the sink, then keeps it current, until detached. Work is done in slices of ≤ 1 ms. */
  attach(sink: TableSink): { detach(): void; readonly settled: Promise<void> }
}

/** A plugin that keeps whole replies. Called once per space that its answers may be repeated in. */
export interface ReplySource {
  attach(sink: ReplySink): { detach(): void }
}

export interface ReplySink {
  /** Takes the entry where the table may answer it (every plugin before lets the name pass); else does nothing. */
  put(entry: CachedEntry): void
  remove(name: string, type: number, dnssecOk: boolean, checkingDisabled: boolean): void
}

/** Where a source publishes: one space of the answer table, seen through one server block. */
export interface TableSink {
  /** Declares a zone of the source; names below it refer to it. Again to change its serial, TTL or `open`. */
  zone(zone: ZoneSpec): void
  /** Publishes what is answered at a name (lower case, absolute), replacing what was there. */
  put(name: string, node: NodeSpec): void
  remove(name: string): void
}
