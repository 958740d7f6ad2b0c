/** TXT records of services: their metadata, and the gRPC service config (docs/design.md §10). */
import type { Service } from '../../../k8s/model/types.ts'
import type { Problem } from '../../annotations/parsed.ts'
import type { ClusterContext } from '../../context.ts'
import type { LookupResult } from '../../lookup/result.ts'
import type { ServiceNameParts } from '../../names/cluster-name.ts'
import { serviceName } from '../../names/cluster-name.ts'
import { splitOf } from '../split/named.ts'
import { serviceTtl } from '../ttl/ttl.ts'

/** Where grpc-go and others look for a service config, below the name that they dial (gRFC A2). */
const grpcConfigLabel = '_grpc_config'

/**
 * Rdata of the TXT records at the service's own name, none beside a CNAME (RFC 1034 §3.6.2). grpc-js looks for the
 * service config here.
 */
export function textsOf({ annotations }: ClusterContext, service: Service): readonly Uint8Array[] {
  if (service.type === 'ExternalName') return none
  const { metadata = none, grpcConfig } = annotations.service(service)
  return grpcConfig ? [...metadata, grpcConfig] : metadata
}

const none: readonly Uint8Array[] = []

/** What was found at the service's own name, and its TXT records: a name that has some is there, if without addresses. */
export function withTexts(context: ClusterContext, service: Service, found: LookupResult): LookupResult {
  const texts = textsOf(context, service)
  if (texts.length === 0) return found
  if (found.kind === 'groups') return { ...found, texts }
  const mayLackAddresses = service.headless || splitOf(context, service) !== undefined
  const isThere = found.kind === 'empty' || (found.kind === 'missing' && mayLackAddresses)
  return isThere ? { kind: 'groups', groups: [], ttl: serviceTtl(context, service).seconds, texts } : found
}

/** What is at `_grpc_config` below the service: one TXT record and nothing else. */
export function findGrpcConfig(context: ClusterContext, service: Service): LookupResult | undefined {
  const { grpcConfig } = context.annotations.service(service)
  if (!grpcConfig) return undefined
  return { kind: 'groups', groups: [], ttl: serviceTtl(context, service).seconds, texts: [grpcConfig] }
}

export const isGrpcConfig = ({ endpoint, port, protocol }: ServiceNameParts): boolean =>
  endpoint === grpcConfigLabel && port === '' && protocol === ''

/** The name of the service config, or none: compiled ahead, for every client of gRPC asks. */
export function grpcConfigNames({ annotations }: ClusterContext, zone: string, service: Service): string[] {
  if (!annotations.service(service).grpcConfig) return []
  return [`${grpcConfigLabel}.${serviceName(service.namespace, service.name, zone)}`]
}

/** Where the service has TXT records: at its own name, and that of its service config. */
export function textNames(context: ClusterContext, zone: string, service: Service): string[] {
  const own = textsOf(context, service).length > 0 ? [serviceName(service.namespace, service.name, zone)] : []
  return [...own, ...grpcConfigNames(context, zone, service)]
}

/** What is wrong with a service's TXT annotations beyond their text. `prefix`: what annotation keys begin with. */
export function problemsOfTexts({ annotations }: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (service.type !== 'ExternalName') return []
  const problems: Problem[] = []
  for (const key of Object.keys(service.annotations)) {
    if (!key.startsWith(`txt.${prefix}/`)) continue
    const rule = 'an ExternalName Service has a CNAME record, which no other record may stand beside (RFC 1034 §3.6.2)'
    problems.push({ key, reason: 'refused', rule })
  }
  if (annotations.service(service).grpcConfig) {
    const rule = `only at ${grpcConfigLabel} below the service: beside an ExternalName's CNAME no TXT record may stand (RFC 1034 §3.6.2), so grpc-js does not find it`
    problems.push({ key: `${prefix}/grpc-config`, reason: 'advice', rule })
  }
  return problems
}
