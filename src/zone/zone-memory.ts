/** What the zones of the process may take of its memory, those that are being read beside those that they replace. */
import type { Held, ProcessState } from '../plugin/contract.ts'
import type { MemoryLimits } from '../process-limits/index.ts'

const mebibyte = 1024 * 1024

export interface ZoneMemory {
  /** Room for a zone that grows. */
  reserve(): Room
  /** What it returns says whether there may be more room than there is now. */
  moreRoom(): () => boolean
}

/** All zones together would take too many octets. */
export class ZoneMemoryFull extends RangeError {}

export interface Room {
  /** The zone takes as many octets now, with as many records. Throws ZoneMemoryFull where all zones together take too many. */
  take(octets: number, records: number): void
  /** The zone is gone. */
  release(): void
  /** No zone has come of it. */
  abandon(): void
}

export function createZoneMemory({ zones: most, limit }: Pick<MemoryLimits, 'zones' | 'limit'>): ZoneMemory {
  let taken = 0
  let gone = 0
  return {
    moreRoom() {
      const [takenThen, goneThen] = [taken, gone]
      // A zone that replaces one has gone through having both.
      return () => taken < takenThen || gone !== goneThen
    },
    reserve() {
      let own = 0
      const abandon = (): void => {
        taken -= own
        own = 0
      }
      return {
        take(octets, records) {
          if (taken + octets - own > most)
            throw new ZoneMemoryFull(
              `with ${records} records of it the zones of this server take ${(most / mebibyte).toFixed(1)} MiB, which is what ` +
                `a memory limit of ${Math.round(limit / mebibyte)} MiB leaves for zones: raise the limit, or serve fewer records`,
            )
          taken += octets - own
          own = octets
        },
        release() {
          abandon()
          gone++
        },
        abandon,
      }
    },
  }
}

/** That of the process, which its configurations share. */
export const holdZoneMemory = (process: ProcessState): Held<ZoneMemory> =>
  process.acquire('zone memory', () => ({ value: createZoneMemory(process.limits.memory), stop: () => undefined }))

/** Of zones that have bounds of their own. */
export const unboundedRoom: Room = { take: () => undefined, release: () => undefined, abandon: () => undefined }
