/** Why a name is answered as it is (`slicedns explain`): the objects behind it, the TTL and its source. */
import type { EndpointSlice, Service } from '../../cluster/types.ts'
import { type Answer, resolve } from '../../compile/answers.ts'
import { readyCount } from '../../compile/endpoints.ts'
import { placeOf } from '../../compile/place.ts'
import { fallsThrough, type Knowledge, zoneOf } from '../../compile/settings.ts'
import { formatAddress } from '../../dns/address.ts'
import type { Query } from '../../plugin/query.ts'

export function explain(knowledge: Knowledge, query: Query): string[] {
  const { settings, view } = knowledge
  const zone = zoneOf(settings, query.name)
  if (zone === undefined) return [`not in its zones (${settings.zones.join(' ')}): goes to the next plugin`]
  const answer = resolve(knowledge, zone, query.name, query.qtype)
  return [
    ...objectLines(knowledge, zone, query.name),
    ...answerLines(knowledge, query.name, answer),
    ...(view.synced ? [] : ['the cluster has not been read yet: nothing is denied until it is']),
  ]
}

function objectLines({ view, settings }: Knowledge, zone: string, name: string): string[] {
  const place = placeOf(zone, name)
  switch (place.kind) {
    case 'apex':
      return [`the apex of zone ${zone}`]
    case 'reverse': {
      const service = view.serviceByClusterIP(formatAddress(place.address))
      if (service) return [`${formatAddress(place.address)} is the ClusterIP of ${service.namespace}/${service.name}`]
      const places = view.placesByAddress(place.address)
      return [
        `${formatAddress(place.address)} is no ClusterIP; slices with it: ${sliceList(places.map(({ slice }) => slice))}`,
      ]
    }
    case 'pod':
      return [`a pod's address in namespace ${place.namespace} (pods ${settings.pods})`]
    case 'namespace':
      return [namespaceLine(place.namespace, view.namespace(place.namespace) !== undefined, settings.namespaces)]
    case 'service': {
      const shown = namespaceLine(place.namespace, view.namespace(place.namespace) !== undefined, settings.namespaces)
      const service = view.service(place.namespace, place.service)
      if (!service) return [shown, `no Service ${place.namespace}/${place.service}`]
      return [shown, serviceLine(service), `slices: ${sliceList(view.slices(place.namespace, place.service))}`]
    }
    case 'nowhere':
      return ['no name that a cluster can have']
    default:
      return ['a fixed name of the zone']
  }
}

function namespaceLine(name: string, exists: boolean, shown: ReadonlySet<string> | undefined): string {
  if (!exists) return `no Namespace ${name}`
  return shown && !shown.has(name) ? `Namespace ${name} is hidden by the namespaces option` : `Namespace ${name}`
}

function serviceLine(service: Service): string {
  const ports = service.ports.map(({ name, protocol, port }) => `${name || '(unnamed)'}/${protocol} ${port}`).join(', ')
  const kind = service.headless
    ? 'headless'
    : service.type === 'ExternalName'
      ? `ExternalName ${service.externalName}`
      : `${service.type} ${service.clusterIPs.join(' ')}`
  return `Service ${service.namespace}/${service.name}: ${kind}; ports ${ports || 'none'}`
}

function sliceList(slices: readonly EndpointSlice[]): string {
  if (slices.length === 0) return 'none'
  return slices.map((slice) => `${slice.name} (${readyCount(slice)} of ${slice.count} ready)`).join(', ')
}

function answerLines({ settings }: Knowledge, name: string, answer: Answer): string[] {
  switch (answer.kind) {
    case 'nxdomain':
      return [fallsThrough(settings, name) ? 'missing: falls through to the next plugin' : 'missing: NXDOMAIN']
    case 'nodata':
      return ['there is such a name, without records of this type']
    case 'unknown':
      return [`SERVFAIL: not known yet, or not allowed to be read: ${answer.resources.join(', ')}`]
    case 'chase':
      return [`ttl ${settings.ttl} (option ttl)`, 'answered by the chain: the target of a CNAME is resolved per query']
    default:
      return [`ttl ${settings.ttl} (option ttl)`]
  }
}
