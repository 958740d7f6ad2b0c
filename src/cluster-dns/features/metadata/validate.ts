/** What is wrong with the annotation beyond its text. */
import type { Service } from '../../../k8s/model/types.ts'
import { groupStart, type Problem } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import { metadataAnnotation } from './parse.ts'

export function validateMetadata(_: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (service.type !== 'ExternalName') return []
  const start = groupStart(metadataAnnotation, prefix)
  const rule = 'an ExternalName Service has a CNAME record, and no other record may stand beside it (RFC 1034 §3.6.2)'
  return Object.keys(service.annotations).flatMap((key) =>
    key.startsWith(start) ? [{ key, reason: 'refused' as const, rule }] : [],
  )
}
