/** The zone's name servers: this machine as the cluster knows it (docs/coredns-behaviour.md §4.6). */

import { parseAddress } from '../../dns/address.ts'
import { below } from '../../dns/name.ts'
import type { EndpointSlice, Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { serviceName } from '../names/cluster-name.ts'
import { type EndpointGroup, endpointGroup, isReady, noPort } from './endpoints.ts'

/** The Services that have one of our addresses as an endpoint; our addresses as `ns.dns.ZONE` when there are none. */
export function nameservers(context: ClusterContext, zone: string): EndpointGroup[] {
  const { view, localAddresses } = context
  const servers: EndpointGroup[] = []
  for (const local of localAddresses) {
    for (const { slice, index } of view.endpointsByAddress(local)) {
      const service = isReady(slice, index) ? view.service(slice.namespace, slice.service) : undefined
      if (service) servers.push(...serviceServers(context, zone, service, slice))
    }
  }
  if (servers.length > 0) return servers
  return localAddresses.map((address) => server(address, below('ns.dns', zone)))
}

/** The ClusterIPs under the service's name; of a headless service, the slice's endpoints under theirs. */
function serviceServers(
  { settings }: ClusterContext,
  zone: string,
  service: Service,
  slice: EndpointSlice,
): EndpointGroup[] {
  const name = serviceName(service.namespace, service.name, zone)
  if (!service.headless) {
    return service.clusterIPs.flatMap((ip) => {
      const address = parseAddress(ip)
      return address ? [server(address, name)] : []
    })
  }
  const group = endpointGroup(slice, '', [noPort], name, settings.endpointPodNames)
  if (!group || group.width === 0) return []
  return Array.from({ length: group.count }, (_, i) =>
    server(group.addresses.subarray(i * group.width, (i + 1) * group.width), group.target(i)),
  )
}

function server(address: Uint8Array, name: string): EndpointGroup {
  const width = address.length === 4 ? 4 : 16
  return { width, addresses: address, names: [], count: 1, ports: [], target: () => name }
}
