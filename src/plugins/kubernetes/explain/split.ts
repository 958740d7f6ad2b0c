/** What `slicedns explain` says of a traffic split: what is drawn how often, and why the rest is not. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { type Weighed, weighed } from '../../../cluster-dns/features/split/answers.ts'
import { type BackendState, backendStates } from '../../../cluster-dns/features/split/backends.ts'
import { findSplit, type SplitLookup } from '../../../cluster-dns/features/split/lookup.ts'
import { splitOf } from '../../../cluster-dns/features/split/named.ts'
import type { ServiceNameParts } from '../../../cluster-dns/names/cluster-name.ts'
import type { Service } from '../../../k8s/model/types.ts'

export function splitLines(context: ClusterContext, zone: string, service: Service, place: ServiceNameParts): string[] {
  const backends = place.endpoint === '' && !place.topology ? splitOf(context, service) : undefined
  if (!backends) return []
  const states = backendStates(context, zone, backends)
  const found = findSplit(context, zone, service, backends, place)
  const drawn = found === 'unknown' ? undefined : found
  return [
    `a traffic split over ${backends.length} ${backends.length === 1 ? 'Service' : 'Services'}: its own endpoints do not count`,
    ...states.map((state) => backendLine(state, drawn)),
    ...(drawn ? weighed(drawn).map(weightLine) : []),
  ]
}

function backendLine(state: BackendState, found: SplitLookup | undefined): string {
  const { namespace, name, share, condition, reason } = state
  const line = `backend ${namespace}/${name}: share ${share}; ${reason}`
  if (condition === 'out') return `${line}: drops out`
  const all = found?.hosts.reduce((sum, host) => sum + host.share, 0) ?? 0
  const host = found?.hosts.find((candidate) => candidate.namespace === namespace && candidate.name === name)
  if (host) return `${line}: ${percent(host.share / all)} of the answers to A and AAAA`
  if (share === 0) return `${line}: only when nothing else is left`
  if (condition === 'leaving') return `${line}: only when no backend has a ready endpoint`
  return `${line}: not at this port`
}

const percent = (part: number): string => `${Number((part * 100).toPrecision(4))} %`

function weightLine({ port, backends, targets, layouts }: Weighed): string {
  const parts = layouts[0].runs.map(({ from, to, weight, heavier }, i) => {
    const count = to - from
    const some = count < targets[i].length ? ` of ${targets[i].length}` : ''
    const weights = heavier > 0 ? `${weight} or ${weight + 1}` : `${weight}`
    return `${backends[i].namespace}/${backends[i].name} ${count}${some} × ${weights}`
  })
  const sets = layouts.length > 1 ? ` (one of ${layouts.length} such sets a reply)` : ''
  return `SRV ${port.name || '(unnamed)'}/${port.protocol}, targets × weight: ${parts.join(', ')}${sets}`
}
