/** The name of a service's gRPC service config, and what is there. */
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import type { LookupResult } from '../../lookup/result.ts'
import { type ServiceNameParts, serviceName } from '../../names/cluster-name.ts'
import { serviceTtl } from '../ttl/ttl.ts'
import { grpcConfigAnnotation } from './parse.ts'

/** Where grpc-go and others look for a service config, below the name that they dial (gRFC A2). */
export const grpcConfigLabel = '_grpc_config'

export const isGrpcConfig = ({ endpoint, port, protocol }: ServiceNameParts): boolean =>
  endpoint === grpcConfigLabel && port === '' && protocol === ''

/** What is at `_grpc_config` below the service: one TXT record and nothing else. */
export function lookupGrpcConfig(context: ClusterContext, service: Service): LookupResult | undefined {
  const config = context.annotations.service(service).get(grpcConfigAnnotation)
  if (!config) return undefined
  return { kind: 'groups', groups: [], ttl: serviceTtl(context, service).seconds, texts: [config] }
}

/** The name of the service config, if there is one: compiled ahead, because every gRPC client asks for it. */
export function grpcConfigNames({ annotations }: ClusterContext, zone: string, service: Service): string[] {
  if (!annotations.service(service).get(grpcConfigAnnotation)) return []
  return [`${grpcConfigLabel}.${serviceName(service.namespace, service.name, zone)}`]
}
