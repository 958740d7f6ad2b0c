/** A Service that exists and cannot be answered: why a name of it has no records. */
import { type EndpointSlice, endpointFlag } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import type { ClusterName } from '../names/cluster-name.ts'
import { isReady } from './endpoints.ts'

/** Undefined where the name is no Service's, the Service is missing or an ExternalName, or one of its endpoints is ready. */
export function unreadyText({ view }: ClusterContext, name: ClusterName): string | undefined {
  if (name.kind !== 'service' || name.imported) return undefined
  const service = view.service(name.namespace, name.service)
  if (service === undefined || service.type === 'ExternalName') return undefined
  let all = 0
  let terminating = 0
  for (const slice of view.slices(name.namespace, name.service)) {
    for (let index = 0; index < slice.count; index++) {
      if (isReady(slice, index)) return undefined
      all++
      if (isTerminating(slice, index)) terminating++
    }
  }
  const gone = terminating === 0 ? '' : `, ${terminating} terminating`
  return `service exists, 0 of ${all} endpoints ready${gone}`
}

const isTerminating = (slice: EndpointSlice, index: number): boolean =>
  (slice.flags[index]! & endpointFlag.terminating) !== 0
