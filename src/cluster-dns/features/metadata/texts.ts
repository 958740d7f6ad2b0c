/** TXT records of services: their metadata and the gRPC service config (docs/design.md §10). */
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import type { LookupResult } from '../../lookup/result.ts'
import { serviceName } from '../../names/cluster-name.ts'
import { grpcConfigNames } from '../grpc-config/config-name.ts'
import { grpcConfigAnnotation } from '../grpc-config/parse.ts'
import { splitOf } from '../split/split-backends.ts'
import { serviceTtl } from '../ttl/ttl.ts'
import { metadataAnnotation } from './parse.ts'

/**
 * Rdata of the TXT records at the service's own name. There are none beside a CNAME (RFC 1034 §3.6.2). grpc-js looks for
 * the service config here.
 */
export function textsOf(context: ClusterContext, service: Service): readonly Uint8Array[] {
  if (service.type === 'ExternalName') return noTexts
  const metadata = metadataOf(context, service)
  const config = context.annotations.service(service).get(grpcConfigAnnotation)
  return config ? [...metadata, config] : metadata
}

/** Rdata of the TXT records with the service's metadata. */
export const metadataOf = ({ annotations }: ClusterContext, service: Service): readonly Uint8Array[] =>
  annotations.service(service).get(metadataAnnotation) ?? noTexts

const noTexts: readonly Uint8Array[] = []

/** `result` at the service's own name, with its TXT records: a name with TXT records exists, even without addresses. */
export function withTexts(context: ClusterContext, service: Service, result: LookupResult): LookupResult {
  const texts = textsOf(context, service)
  if (texts.length === 0) return result
  if (result.kind === 'groups') return { ...result, texts }
  const mayLackAddresses = service.headless || splitOf(context, service) !== undefined
  const exists = result.kind === 'empty' || (result.kind === 'missing' && mayLackAddresses)
  return exists ? { kind: 'groups', groups: [], ttl: serviceTtl(context, service).seconds, texts } : result
}

/** Where the service has TXT records: at its own name, and that of its service config. */
export function textNames(context: ClusterContext, zone: string, service: Service): string[] {
  const own = textsOf(context, service).length > 0 ? [serviceName(service.namespace, service.name, zone)] : []
  return [...own, ...grpcConfigNames(context, zone, service)]
}
