/** Answers that a plugin computes ahead of the queries. `staticSource` makes one from a set of records. */
import type { NodeSpec, ZoneSpec } from '../../table/spec.ts'
import { defineCapability } from '../capability.ts'

export interface CompiledSource {
  /** Zones that it answers for, lower case and absolute. */
  readonly zones: readonly string[]
  /** It has no closed nodes: names that it lacks always go to the chain. */
  readonly deniesNothing?: boolean
  /** Publishes everything into the sink, then keeps it current, until detached. Work is done in slices of ≤ 1 ms. */
  attach(sink: TableSink): { detach(): void; readonly settled: Promise<void> }
}

/** Where a source publishes: one space of the answer table, seen through one server block. */
export interface TableSink {
  /** Declares a zone of the source, which nodes refer to. Call it again to change the zone's serial, TTL or `open`. */
  zone(zone: ZoneSpec | ZoneWithoutSoa): void
  /** Publishes what is answered at a name (lower case, absolute), replacing what was there. */
  put(name: string, node: NodeSpec): void
  remove(name: string): void
}

/** Its nodes must deny nothing: they are `open`, and have no answer `nodata`, `nxdomain` or `soa`. */
export interface ZoneWithoutSoa {
  readonly zone: string
  readonly soa?: undefined
}

export const compiledSource = defineCapability<CompiledSource>('compiled source')
