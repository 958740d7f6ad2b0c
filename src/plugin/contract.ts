/**
 * What a plugin is. A plugin is one folder below `src/plugins/`: `index.ts` exports one `Plugin`; the schema says how
 * its directive is written, `setup` turns checked settings into an `Instance`. Whatever does not depend on the query is
 * decided in `setup`.
 */

import type { DataPlaneSample } from '../answer/api.ts'
import type { Inspection } from '../console/inspection.ts'
import type { Directive, DirectiveSchema, Position } from '../corefile/schema.ts'
import type { ProcessLimits } from '../process-limits/index.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import type { Capability, Provided } from './capability.ts'
import type { DeclaredPlugin } from './declared-plugin.ts'
import type { Handler } from './query.ts'

export interface Plugin<Settings = unknown> extends DeclaredPlugin {
  readonly schema: DirectiveSchema<Settings>
  /**
   * Why the settings cannot work beside these plugins of the block, or undefined. Asked before any plugin is set up, by the
   * server and by `slicedns check`, so that both refuse the same Corefiles.
   */
  unmetRequirement?(settings: Settings, plugins: readonly DeclaredPlugin[]): string | undefined
  /**
   * Why the settings cannot work beside those of the same plugin in an earlier block, or undefined. Asked when
   * `unmetRequirement` is.
   */
  conflict?(settings: Settings, earlier: Settings): string | undefined
  /** It works in blocks for plain DNS alone (`shed`): in a block with another scheme it is an error. */
  readonly plainDnsOnly?: true
  /** Registers the metrics without labels that CoreDNS exports whether or not the Corefile has the plugin. */
  registerMetrics?(metrics: MetricsRegistry): void
  /**
   * Reads the files that the settings name as `setup` and `start` do, and fails or logs as they would. It writes
   * nothing and keeps nothing open. `slicedns check` reports on files by it.
   */
  readFiles?(settings: Settings, reading: FileReading): void
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

/** The part of Setup that is needed to read the files that the settings name. */
export interface FileReading extends Pick<Setup, 'log' | 'clock' | 'fail'> {
  readonly block: Pick<BlockFacts, 'root'>
}

/** The server block that a plugin is set up in. */
export interface BlockFacts {
  /** The block's zones, lower case and absolute, in the order of its keys; CIDR keys expanded. */
  readonly zones: readonly string[]
  /** The first key's port. */
  readonly port: number
  /** The folder of the `root` directive, or the working directory: base of relative paths. */
  readonly root: string
  /** The Corefile's own folder and path. */
  readonly corefile: string
  /** The words of every directive in this block. */
  readonly directives: readonly string[]
  /** The addresses that the block is bound to (`bind`), or [] for the wildcard. Known when the block has been set up. */
  readonly addresses: readonly string[]
  /** The values of the `server` label in the block's metrics, one per listener. Known once it serves. */
  readonly servers: readonly string[]
  /** The block's plugins in chain order. Complete at `start`. */
  readonly plugins: readonly BlockPlugin[]
  /** What the first plugin of the block, in chain order, provides for the capability. Complete at `start`. */
  capability<T>(capability: Capability<T>): T | undefined
  /** What each plugin of the block provides for it, in chain order. Complete at `start`. */
  capabilities<T>(capability: Capability<T>): readonly Provider<T>[]
}

export interface BlockPlugin {
  /** The directive's word. */
  readonly plugin: string
  readonly instance: Instance
}

export interface Provider<T> {
  /** The directive's word. */
  readonly plugin: string
  readonly value: T
}

/** State of the process that outlives a reload. */
export interface ProcessState {
  /**
   * The value under `key`, made by `make` for the first holder and kept while anyone holds it. `stop` runs when the
   * last holder has released it. A reload acquires for the new configuration before the old one releases, so what both
   * use (a reflector, an HTTP listener) is never interrupted.
   */
  acquire<T>(key: string, make: () => Shared<T>): Held<T>
  /** Asks the server for a reload (the `reload` plugin, signals). */
  reload(reason: string): Promise<ReloadResult>
  /** The server's name and version: `slicedns-0.1.0`. */
  readonly version: string
  /** SHA-512 in hex of the Corefile that runs, imports included. */
  readonly configHash: string
  /** Reads and parses the Corefile again, with imports, and gives its hash. Throws ConfigError. */
  readConfigHash(): string
  /**
   * The Corefile on disk cannot be used: `status` and the metrics say so until a reload succeeds, or it is restored.
   */
  corefileUnreadable(error: string): void
  /** The Corefile is the running one again: an earlier `corefileUnreadable` no longer counts. */
  corefileRestored(): void
  /** Ends the process with `[FATAL] text` and exit code 1 (`loop`). */
  fatal(text: string): never
  /** Sums of the data plane's counters, for the prometheus plugin: see src/answer/counters.ts. */
  readonly dataPlane: DataPlaneFacts
  /** Descriptors and memory that the process may use, divided: what a plugin's bounds are taken from. */
  readonly limits: ProcessLimits
  /** What the server shows of itself (`console`). */
  readonly inspection: Inspection
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

export type ReloadResult =
  | { readonly ok: true }
  | {
      readonly ok: false
      readonly error: string
      /** The Corefile has not changed: something that it names did. */
      readonly unchanged?: boolean
    }

/** A configured plugin of one server block. */
export interface Instance extends Lifecycle {
  /** Its place in the chain; absent for those that only configure (bind, reload, health). */
  readonly handler?: Handler
  /** What it offers to the server and to other plugins of the block. */
  readonly provides?: readonly Provided[]
}

export interface Lifecycle {
  /** Opens what it needs (HTTP listeners, watches). Runs before the DNS sockets are bound, in chain order. */
  start?(): Promise<void> | void
  /** Runs once the block's DNS sockets answer (`loop` asks itself here). */
  serving?(): void
  /** Readiness for the `ready` plugin; absent means that it has nothing to report. */
  ready?(): boolean
  /** Runs at SIGTERM, before lameduck (`ready` turns 503 here). */
  drain?(): void
  /**
   * Ends what `setup` and `start` began: at a reload, at shutdown after lameduck, and when the configuration cannot start,
   * even if `start` threw half-way or was never called. Called once.
   */
  stop?(): Promise<void> | void
}
