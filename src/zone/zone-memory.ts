/** Limits the memory of the process's zones, including those being read while they replace others. */
import type { Held, ProcessState } from '../plugin/contract.ts'
import type { MemoryLimits } from '../process-limits/index.ts'

const mebibyte = 1024 * 1024

export interface ZoneMemory {
  /** An allowance for a growing zone. */
  reserve(): ZoneAllowance
  /** The result tells whether more memory may be free than at the time of this call. */
  moreRoom(): () => boolean
}

/** All zones together would exceed the limit. */
export class ZoneMemoryFull extends RangeError {}

export interface ZoneAllowance {
  /** Sets the zone's octets and number of records. Throws ZoneMemoryFull if all zones together exceed the limit. */
  take(octets: number, records: number): void
  /** The zone is no longer used. */
  release(): void
  /** The zone was not completed. */
  abandon(): void
}

export function createZoneMemory({ zones: most, limit }: Pick<MemoryLimits, 'zones' | 'limit'>): ZoneMemory {
  let taken = 0
  let gone = 0
  return {
    moreRoom() {
      const [takenThen, goneThen] = [taken, gone]
      // A zone that replaces another has needed memory for both.
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

/** The process's zone memory, shared by its configurations. */
export const holdZoneMemory = (process: ProcessState): Held<ZoneMemory> =>
  process.acquire('zone memory', () => ({ value: createZoneMemory(process.limits.memory), stop: () => undefined }))

/** For zones with limits of their own. */
export const unlimitedAllowance: ZoneAllowance = {
  take: () => undefined,
  release: () => undefined,
  abandon: () => undefined,
}
