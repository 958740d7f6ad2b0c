/** What `slicedns explain` says of a traffic split: how often each backend is selected, and why some are not. */

import type { ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { type BackendState, backendStates } from './backend-state.ts'
import type { SplitLookup } from './selection.ts'
import { splitOf } from './split-backends.ts'
import { selectBackends } from './split-lookup.ts'
import { explainedPorts, type WeightedPort } from './split-srv.ts'

export function explainSplit(context: ClusterContext, { zone, service, clusterName }: ExplainedName): string[] {
  const backends = clusterName.endpoint === '' && !clusterName.topology ? splitOf(context, service) : undefined
  if (!backends) return []
  const states = backendStates(context, zone, backends)
  const result = selectBackends(context, service, clusterName, states)
  const split = result === 'unknown' ? undefined : result
  return [
    `traffic split over ${backends.length} ${backends.length === 1 ? 'Service' : 'Services'}: its own endpoints do not count`,
    ...states.map((state) => backendLine(state, split)),
    ...(split ? weightLines(split) : []),
  ]
}

function backendLine(state: BackendState, split: SplitLookup | undefined): string {
  const { namespace, name, share, condition, reason } = state
  const line = `backend ${namespace}/${name}: share ${share}; ${reason}`
  if (condition === 'out') return `${line}: left out`
  const all = split?.hosts.reduce((sum, host) => sum + host.share, 0) ?? 0
  const host = split?.hosts.find((candidate) => candidate.namespace === namespace && candidate.name === name)
  if (host) return `${line}: ${percent(host.share / all)} of the answers to A and AAAA`
  if (share === 0) return `${line}: only when no other backend is left`
  if (condition === 'leaving') return `${line}: only when no backend has a ready endpoint`
  return `${line}: does not have this port`
}

const percent = (part: number): string => `${Number((part * 100).toPrecision(4))} %`

/** Ports that get a line each. */
const maxPorts = 20

function weightLines(split: SplitLookup): string[] {
  const { ports, parts } = explainedPorts(split)
  const rest = split.portCount - maxPorts
  return [
    ...(parts > 1 ? [`SRV in ${parts} parts, of which each reply has one; the first is:`] : []),
    ...ports.slice(0, maxPorts).map(weightLine),
    ...(rest > 0 ? [`${rest} more ports`] : []),
  ]
}

function weightLine({ port, backends, targets, layouts }: WeightedPort): string {
  const parts = layouts[0].runs.map(({ from, to, weight, heavier }, i) => {
    const count = to - from
    const some = count < targets[i].length ? ` of ${targets[i].length}` : ''
    const weights = heavier > 0 ? `${weight} or ${weight + 1}` : `${weight}`
    return `${backends[i].namespace}/${backends[i].name} ${count}${some} × ${weights}`
  })
  const sets = layouts.length > 1 ? ` (each reply has one of ${layouts.length} such sets)` : ''
  return `SRV ${port.name || '(unnamed)'}/${port.protocol}, targets × weight: ${parts.join(', ')}${sets}`
}
