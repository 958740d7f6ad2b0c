/** What `slicedns explain` says of the names that annotations and `dns_sd` add to those of services. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { type AliasName, rivalsOf } from '../../../cluster-dns/features/alias/claims.ts'
import { listsEndpoints } from '../../../cluster-dns/features/endpoints/names.ts'
import { isGrpcConfig, textsOf } from '../../../cluster-dns/features/metadata/records.ts'
import {
  type BrowseName,
  everyEndpoint,
  isServiceItself,
  type ServiceNameParts,
} from '../../../cluster-dns/names/cluster-name.ts'
import type { Service } from '../../../k8s/model/types.ts'

/** Services that lines are spent on. */
const mostRivals = 10

/** Of a name in a zone for aliases. */
export function aliasLines(context: ClusterContext, { zone, alias }: AliasName): string[] {
  if (!alias) return [`in ${zone} of alias_zones, but the alias of no Service: goes to the next plugin`]
  const rivals = rivalsOf(context, alias.name)
  return [
    `${alias.name} is an alias of Service ${alias.service.namespace}/${alias.service.name} (${zone} of alias_zones): answers as ${alias.own}`,
    ...rivals
      .slice(0, mostRivals)
      .map(({ namespace, name }) => `Service ${namespace}/${name} wants this alias too, and is younger`),
    ...(rivals.length > mostRivals ? [`${rivals.length - mostRivals} more want it`] : []),
  ]
}

/** What a service has at the place besides addresses and ports. */
export function extraLines(context: ClusterContext, service: Service, place: ServiceNameParts): string[] {
  const { grpcConfig, endpoints } = context.annotations.service(service)
  if (isGrpcConfig(place))
    return [grpcConfig ? 'the gRPC service config of an annotation' : 'no annotation grpc-config']
  if (place.endpoint === everyEndpoint) {
    if (listsEndpoints(context, service)) return ['all of its ready endpoints, as an annotation wants it']
    return [endpoints === undefined ? 'no annotation endpoints' : 'its annotation endpoints lists none']
  }
  if (place.instance) {
    return [`an instance of _${place.port}._${place.protocol} (dns_sd): SRV of the port, TXT of the metadata`]
  }
  const texts = isServiceItself(place) ? textsOf(context, service).length : 0
  if (texts === 0) return []
  const config = grpcConfig ? ', the gRPC service config among them' : ''
  return [`TXT records of its annotations: ${texts}${config}`]
}

export function browseLines(context: ClusterContext, place: BrowseName): string[] {
  const where = place.namespace === '' ? 'the zone' : `Namespace ${place.namespace}`
  switch (place.what) {
    case 'domains':
      return [`dns_sd: the domains to browse of ${where}`]
    case 'types':
      return [`dns_sd: the types of service in ${where}`]
    case 'instances': {
      const names = context.browsing.listing(context, place.namespace).offers.get(place.type) ?? []
      return [`dns_sd: Services of ${where} with a port ${place.type}: ${names.length}`]
    }
    case 'nothing':
      return [`dns_sd: a name of ${where} above those of types`]
  }
}
