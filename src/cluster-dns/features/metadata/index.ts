import type { Service } from '../../../k8s/model/types.ts'
import { groupStart, type Problem } from '../../annotations/annotation.ts'
import type { AnnotationFeature, ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { isServiceItself } from '../../names/cluster-name.ts'
import { grpcConfigAnnotation } from '../grpc-config/parse.ts'
import { metadataAnnotation } from './parse.ts'
import { textsOf } from './texts.ts'

export const metadata: AnnotationFeature = {
  annotations: [metadataAnnotation],
  validate,
  explain,
  documentation: {
    values: ['VALUE'],
    effect: 'metadata in a TXT record, such as `model=llama-70b`',
  },
}

function validate(_: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (service.type !== 'ExternalName') return []
  const start = groupStart(metadataAnnotation, prefix)
  const rule = 'an ExternalName Service has a CNAME record, and no other record may stand beside it (RFC 1034 §3.6.2)'
  return Object.keys(service.annotations).flatMap((key) =>
    key.startsWith(start) ? [{ key, reason: 'refused' as const, rule }] : [],
  )
}

function explain(context: ClusterContext, { service, clusterName }: ExplainedName): readonly string[] {
  const count = isServiceItself(clusterName) ? textsOf(context, service).length : 0
  if (count === 0) return []
  const config = context.annotations.service(service).get(grpcConfigAnnotation)
  return [`TXT records from annotations: ${count}${config ? ', including the gRPC service config' : ''}`]
}
