/** What is wrong with the annotation beyond its text. */
import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import { grpcConfigLabel } from './config-name.ts'
import { grpcConfigAnnotation } from './parse.ts'

export function validateGrpcConfig(
  { annotations }: ClusterContext,
  service: Service,
  prefix: string,
): readonly Problem[] {
  if (service.type !== 'ExternalName' || !annotations.service(service).get(grpcConfigAnnotation)) return []
  const rule = `in effect at ${grpcConfigLabel} below the Service only: no TXT record may stand beside an ExternalName's CNAME (RFC 1034 §3.6.2), so grpc-js does not find it`
  return [{ key: keyOf(grpcConfigAnnotation, prefix), reason: 'advice', rule }]
}
