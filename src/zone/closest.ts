import { parentOf } from '../dns/name.ts'

/** The longest of the zones that the name is in. */
export function closest(zones: { has(zone: string): boolean }, name: string): string | undefined {
  for (let at = name; ; at = parentOf(at)) {
    if (zones.has(at)) return at
    if (at === '.') return undefined
  }
}
