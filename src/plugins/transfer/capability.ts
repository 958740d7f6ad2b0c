/** Zones that `transfer` can give away whole (RFC 5936). */
import type { ResourceRecord } from '../../dns/message.ts'
import { defineCapability } from '../../plugin/capability.ts'

export interface TransferSource {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  /** The zone's serial; undefined while not all of the zone is known. */
  serial(zone: string): number | undefined
  /** The zone as it is at this moment; undefined likewise. */
  snapshot(zone: string): ZoneSnapshot | undefined
  /** Calls back when a serial may have moved, until stopped. The callback must return at once. */
  watch(changed: () => void): { stop(): void }
}

export interface ZoneSnapshot {
  readonly serial: number
  readonly soa: ResourceRecord
  /** Everything but the SOA, each record made as it is asked for. */
  readonly records: Iterator<ResourceRecord>
}

export const transferSource = defineCapability<TransferSource>('transfer source')
