/** Why a name of an existing Service has no records: none of its endpoints is ready. */
import type { ClusterContext } from '../context.ts'
import type { ClusterName } from '../names/cluster-name.ts'
import { countsOf } from './endpoint-counts.ts'
import { hasAny } from './endpoint-selection.ts'
import { isReady } from './endpoints.ts'

/** Undefined if the name is not a Service's, the Service is missing or an ExternalName, or an endpoint is ready. */
export function unreadyText({ view }: ClusterContext, name: ClusterName): string | undefined {
  if (name.kind !== 'service' || name.imported) return undefined
  const service = view.service(name.namespace, name.service)
  if (service === undefined || service.type === 'ExternalName') return undefined
  const slices = view.slices(name.namespace, name.service)
  if (hasAny(slices, isReady)) return undefined
  const { notReady, terminating } = countsOf(slices)
  const gone = terminating === 0 ? '' : `, ${terminating} terminating`
  return `service exists, 0 of ${notReady + terminating} endpoints ready${gone}`
}
