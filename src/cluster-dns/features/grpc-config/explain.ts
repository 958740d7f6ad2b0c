/** What `slicedns explain` says of the annotation. */
import type { ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { isGrpcConfig } from './config-name.ts'
import { grpcConfigAnnotation } from './parse.ts'

export function explainGrpcConfig(
  { annotations }: ClusterContext,
  { service, clusterName }: ExplainedName,
): readonly string[] {
  if (!isGrpcConfig(clusterName)) return []
  const config = annotations.service(service).get(grpcConfigAnnotation)
  return [config ? 'gRPC service config (annotation grpc-config)' : 'the Service has no annotation grpc-config']
}
