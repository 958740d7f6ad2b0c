/** What `slicedns explain` says of the annotation. */
import type { ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { isServiceItself } from '../../names/cluster-name.ts'
import { grpcConfigAnnotation } from '../grpc-config/parse.ts'
import { textsOf } from './texts.ts'

export function explainMetadata(context: ClusterContext, { service, clusterName }: ExplainedName): readonly string[] {
  const count = isServiceItself(clusterName) ? textsOf(context, service).length : 0
  if (count === 0) return []
  const config = context.annotations.service(service).get(grpcConfigAnnotation)
  return [`TXT records from annotations: ${count}${config ? ', including the gRPC service config' : ''}`]
}
