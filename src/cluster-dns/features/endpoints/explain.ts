/** What `slicedns explain` says of the annotation. */
import type { ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { everyEndpoint } from '../../names/cluster-name.ts'
import { listsEndpoints } from './listed.ts'
import { endpointsAnnotation } from './parse.ts'

export function explainEndpoints(context: ClusterContext, { service, clusterName }: ExplainedName): readonly string[] {
  if (clusterName.endpoint !== everyEndpoint) return []
  if (listsEndpoints(context, service)) return ['lists all ready endpoints (annotation endpoints)']
  const value = context.annotations.service(service).get(endpointsAnnotation)
  return [value === undefined ? 'the Service has no annotation endpoints' : 'its annotation endpoints has no effect']
}
