/** Lines of `slicedns explain` about the freshness of the cluster's state. */

import type { ClusterStatus } from '../../../k8s/model/cluster.ts'
import type { Resource } from '../../../k8s/model/types.ts'

/** The resources that every name of a cluster depends on. */
const needed: ReadonlySet<Resource> = new Set<Resource>(['services', 'endpointslices', 'namespaces'])

/**
 * Seconds. The API server sends a bookmark each minute; a watch without any is restarted within this time
 * (src/k8s/api/list-watch.ts).
 */
const longestSilence = 150

/** `now`: milliseconds since 1970. */
export function statusLines(status: ClusterStatus, now: number): string[] {
  const { freshness } = status
  const stale = staleness(status)
  const lines = stale === undefined ? [] : [`stale: ${stale}`]
  if (freshness) {
    const { ok, detail, time } = freshness
    const result = ok ? 'the same objects' : detail
    lines.push(`compared with the API server ${ageText((now - time) / 1000)} ago: ${result}`)
  }
  return lines
}

/** Why the answers may be stale, and their age; undefined while the watches are live. */
function staleness({ endpoint, connected, snapshot, watches }: ClusterStatus): string | undefined {
  if (snapshot) return `from a snapshot, which ${endpoint} confirmed ${ageText(snapshot.age)} ago`
  const ages = watches.flatMap(({ resource, age }) => (needed.has(resource) && age !== undefined ? [age] : []))
  const age = Math.max(0, ...ages)
  const errors = watches.flatMap(({ resource, error }) => (error ? [`${resource}: ${error}`] : []))
  const why = errors.length > 0 ? ` (${errors.join(', ')})` : ''
  if (!connected && endpoint !== '')
    return `${endpoint} cannot be reached${why}: this is the last known state${ages.length > 0 ? `, ${ageText(age)} old` : ''}`
  if (age > longestSilence)
    return `${endpoint} has said nothing for ${ageText(age)}${why}: this is the last known state`
  return undefined
}

function ageText(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
  return minutes > 0 ? `${minutes} min ${Math.floor(seconds) % 60} s` : `${Math.max(0, Math.floor(seconds))} s`
}
