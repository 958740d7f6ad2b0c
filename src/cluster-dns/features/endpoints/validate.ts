/** What is wrong with the annotation beyond its text. */
import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import { endpointsAnnotation } from './parse.ts'

export function validateEndpoints(
  { annotations }: ClusterContext,
  service: Service,
  prefix: string,
): readonly Problem[] {
  if (service.type !== 'ExternalName' || !annotations.service(service).get(endpointsAnnotation)) return []
  const rule = 'an ExternalName Service has no endpoints'
  return [{ key: keyOf(endpointsAnnotation, prefix), reason: 'refused', rule }]
}
