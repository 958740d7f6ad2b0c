/** The endpoints of a service with an address of its own, at `_endpoints` below it (`slicedns.io/endpoints`). */
import type { Service } from '../../../k8s/model/types.ts'
import type { Problem } from '../../annotations/parsed.ts'
import type { ClusterContext } from '../../context.ts'

export const listsEndpoints = ({ annotations }: ClusterContext, service: Service): boolean =>
  annotations.service(service).endpoints === true && service.type !== 'ExternalName'

/** What is wrong with it beyond its text. `prefix`: what annotation keys begin with. */
export function problemsOfEndpoints(
  { annotations }: ClusterContext,
  service: Service,
  prefix: string,
): readonly Problem[] {
  if (service.type !== 'ExternalName' || !annotations.service(service).endpoints) return []
  return [{ key: `${prefix}/endpoints`, reason: 'refused', rule: 'an ExternalName Service has no endpoints' }]
}
