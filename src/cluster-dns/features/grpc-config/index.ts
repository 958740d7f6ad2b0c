import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { AnnotationFeature, ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { grpcConfigLabel, isGrpcConfig } from './config-name.ts'
import { grpcConfigAnnotation } from './parse.ts'

export const grpcConfig: AnnotationFeature = {
  annotations: [grpcConfigAnnotation],
  validate,
  explain,
  documentation: {
    values: ['JSON'],
    effect: "gRPC's service config, validated, where gRPC clients look",
    page: 'docs/grpc.md',
  },
}

function validate({ annotations }: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (service.type !== 'ExternalName' || !annotations.service(service).get(grpcConfigAnnotation)) return []
  const rule = `in effect at ${grpcConfigLabel} below the Service only: no TXT record may stand beside an ExternalName's CNAME (RFC 1034 §3.6.2), so grpc-js does not find it`
  return [{ key: keyOf(grpcConfigAnnotation, prefix), reason: 'advice', rule }]
}

function explain({ annotations }: ClusterContext, { service, clusterName }: ExplainedName): readonly string[] {
  if (!isGrpcConfig(clusterName)) return []
  const config = annotations.service(service).get(grpcConfigAnnotation)
  return [config ? 'gRPC service config (annotation grpc-config)' : 'the Service has no annotation grpc-config']
}
