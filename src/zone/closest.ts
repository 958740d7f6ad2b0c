import { innermostZone, parentOf } from '../dns/name.ts'

interface Zones {
  readonly size: number
  has(zone: string): boolean
  keys(): Iterable<string>
}

/**
 * Up to this many zones are compared with the name one by one, however many labels it has: a name may have 127, and looking up
 * each suffix costs as much as the suffix is long.
 */
const fewZones = 8

/** The longest of the zones that the name is in. */
export function closest(zones: Zones, name: string): string | undefined {
  if (zones.size <= fewZones) return innermostZone(zones.keys(), name)
  for (let at = name; ; at = parentOf(at)) {
    if (zones.has(at)) return at
    if (at === '.') return undefined
  }
}
