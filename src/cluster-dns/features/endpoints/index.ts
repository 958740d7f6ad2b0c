import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { AnnotationFeature, ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { everyEndpoint } from '../../names/cluster-name.ts'
import { listsEndpoints } from './listed.ts'
import { endpointsAnnotation } from './parse.ts'

export const endpoints: AnnotationFeature = {
  annotations: [endpointsAnnotation],
  validate,
  explain,
  documentation: {
    values: ['"true"'],
    effect: 'every ready pod behind a ClusterIP, at `_endpoints.NAME`',
  },
}

function validate({ annotations }: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (service.type !== 'ExternalName' || !annotations.service(service).get(endpointsAnnotation)) return []
  const rule = 'an ExternalName Service has no endpoints'
  return [{ key: keyOf(endpointsAnnotation, prefix), reason: 'refused', rule }]
}

function explain(context: ClusterContext, { service, clusterName }: ExplainedName): readonly string[] {
  if (clusterName.endpoint !== everyEndpoint) return []
  if (listsEndpoints(context, service)) return ['lists all ready endpoints (annotation endpoints)']
  const value = context.annotations.service(service).get(endpointsAnnotation)
  return [value === undefined ? 'the Service has no annotation endpoints' : 'its annotation endpoints has no effect']
}
