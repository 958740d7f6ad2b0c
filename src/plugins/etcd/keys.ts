/** Names as keys: `shop.example.org.` below the path `/skydns` is `/skydns/org/example/shop`. */
import { labelsOf, parseName } from '../../dns/name.ts'
import type { KeyRange } from '../../etcd/messages.ts'

/** The segments of a key, between its slashes. */
export type Segments = readonly string[]

export const segmentsOfPath = (path: string): Segments => path.split('/').filter((segment) => segment !== '')

/** A label may hold slashes, which then divide it, as in CoreDNS. */
export const segmentsOf = (path: Segments, name: string): Segments => [
  ...path,
  ...labelsOf(name)
    .reverse()
    .flatMap((label) => segmentsOfPath(label)),
]

/** `*` and `any` stand for any segment: all keys below the segments before the first wildcard are searched. */
export const isWildcard = (segment: string): boolean => segment === '*' || segment === 'any'

export function fixedSegments(path: Segments, segments: Segments): Segments {
  const at = segments.findIndex((segment, i) => i >= path.length && isWildcard(segment))
  return at < 0 ? segments : segments.slice(0, at)
}

/** The name of a key: the target of a service that is an address. Throws NameError where the key is not a name. */
export const nameOfKey = (path: Segments, key: string): string =>
  parseName(`${segmentsOfPath(key).slice(path.length).reverse().join('.')}.`)

/** Ranges, without overlaps, of all keys that names of the zones can have. */
export function rangesOf(path: Segments, zones: readonly string[]): KeyRange[] {
  const bases = [...new Set(zones.map((zone) => `/${fixedSegments(path, segmentsOf(path, zone)).join('/')}`))]
  const isBelow = (base: string, other: string): boolean => other === '/' || base.startsWith(`${other}/`)
  return bases
    .filter((base) => !bases.some((other) => other !== base && isBelow(base, other)))
    .map((base) => ({ from: base, to: base === '/' ? '0' : `${base}0` }))
}
