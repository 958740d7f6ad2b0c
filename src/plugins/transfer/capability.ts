/** Zones that `transfer` can transfer (RFC 5936). */
import type { ResourceRecord } from '../../dns/message.ts'
import { defineCapability } from '../../plugin/capability.ts'

export interface TransferSource {
  /** Lower case and absolute. */
  readonly zones: readonly string[]
  /** Serials are times in seconds, so that several changes may share one. Absent: each change has a serial of its own. */
  readonly serialsAreTimes?: boolean
  /** The zone's serial; undefined while the zone is not completely known. */
  serial(zone: string): number | undefined
  /** The zone's current state; undefined likewise. */
  snapshot(zone: string): ZoneSnapshot | undefined
  /** Calls back when a serial may have changed, until stopped. The callback must return at once. */
  watch(changed: () => void): { stop(): void }
}

export interface ZoneSnapshot {
  readonly serial: number
  readonly soa: ResourceRecord
  /** All records but the SOA, generated on demand. */
  readonly records: Iterator<ResourceRecord>
}

export const transferSource = defineCapability<TransferSource>('transfer source')
