/** Which names are compiled when they are first asked for, rather than ahead of queries. */
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { isGrpcConfig } from '../../../cluster-dns/features/grpc-config/config-name.ts'
import { splitOf } from '../../../cluster-dns/features/split/split-backends.ts'
import { clusterIPOwner } from '../../../cluster-dns/lookup/lookup.ts'
import type { ClusterName } from '../../../cluster-dns/names/cluster-name.ts'
import { isHeadlessName, namesOfService } from '../../../cluster-dns/records/table-node.ts'
import { type as dnsType } from '../../../dns/codes.ts'
import type { Service, ServiceImport } from '../../../k8s/model/types.ts'
import { type ServiceName, serviceNameOf } from './on-demand-names.ts'

/** Query types that a split answers from its backends' endpoints. */
const endpointTypes: ReadonlySet<number> = new Set([dnsType.A, dnsType.AAAA, dnsType.SRV])

/** `clusterName`: what `name` (lower case, in `zone`) stands for. `type`: of the query that asked for it. */
export function isOnDemand(
  context: ClusterContext,
  zone: string,
  name: string,
  clusterName: ClusterName,
  type: number,
): boolean {
  if (clusterName.kind === 'reverse') return !isClusterIP(context, clusterName)
  // Topology names are excluded: any zone is a valid label, and one without endpoints may answer with all endpoints.
  if (clusterName.kind !== 'service' || clusterName.topology) return false
  const service = objectOf(context, serviceNameOf(clusterName))
  if (!service || service.type === 'ExternalName') return false
  if (clusterName.endpoint !== '') return !isGrpcConfig(clusterName)
  if (endpointTypes.has(type) && 'clusterIPs' in service && splitOf(context, service)) return true
  if (clusterName.port === '' && clusterName.protocol === '') {
    return isHeadlessName(context.view, clusterName) && type === dnsType.SRV
  }
  return !namesOfService(context, zone, service).includes(name)
}

export const isClusterIP = (context: ClusterContext, clusterName: ClusterName): boolean =>
  clusterName.kind === 'reverse' && clusterIPOwner(context, clusterName.address) !== undefined

export const objectOf = (
  { view }: ClusterContext,
  { imported, namespace, name }: ServiceName,
): Service | ServiceImport | undefined =>
  imported ? view.serviceImport(namespace, name) : view.service(namespace, name)
