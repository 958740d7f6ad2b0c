/** What is wrong with a service's hold annotation beyond its text. */
import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import { holdAnnotation } from './parse.ts'

export function validateHold(context: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (context.annotations.service(service).get(holdAnnotation) === undefined) return []
  const key = keyOf(holdAnnotation, prefix)
  if (!service.headless) {
    return [{ key, reason: 'refused', rule: 'only a headless Service (clusterIP: None) may hold queries' }]
  }
  if (service.publishNotReadyAddresses) return []
  const rule =
    'in effect, but set publishNotReadyAddresses: without it an endpoint appears only when its pod is ready, later than a query can wait'
  return [{ key, reason: 'advice', rule }]
}
