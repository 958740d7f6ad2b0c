/** Why a name is answered as it is (`slicedns explain`): the objects behind it, the TTL and its source. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { aliasAt } from '../../../cluster-dns/features/alias/claims.ts'
import type { TtlChoice } from '../../../cluster-dns/features/ttl/ttl.ts'
import { readyCount } from '../../../cluster-dns/lookup/endpoints.ts'
import {
  type ClusterName,
  grammarOf,
  parseClusterName,
  type ServiceNameParts,
} from '../../../cluster-dns/names/cluster-name.ts'
import { type Answer, resolve } from '../../../cluster-dns/records/answers.ts'
import { fallsThrough, isMulticluster, zoneOf } from '../../../cluster-dns/settings.ts'
import { formatAddress } from '../../../dns/address.ts'
import type { EndpointSlice, Service, ServiceImport } from '../../../k8s/model/types.ts'
import type { Query } from '../../../plugin/query.ts'
import { aliasLines, browseLines, extraLines } from './names.ts'
import { choiceAt, holdLines, problemLines, rankLines, settlingLines, ttlLine } from './service.ts'
import { splitLines } from './split.ts'

export function explain(context: ClusterContext, query: Query): string[] {
  const { settings, view } = context
  const alias = aliasAt(context, query.name)
  const unread = view.synced ? [] : ['the cluster has not been read yet: nothing is denied until it is']
  if (alias?.alias) {
    return [...aliasLines(context, alias), ...nameLines(context, context.aliases.home, alias.alias.own, query)]
  }
  const zone = alias?.zone ?? zoneOf(settings, query.name)
  if (zone === undefined) return [`not in its zones (${settings.zones.join(' ')}): goes to the next plugin`]
  if (alias && !settings.zones.includes(zone)) return [...aliasLines(context, alias), ...unread]
  return [...nameLines(context, zone, query.name, query), ...unread]
}

function nameLines(context: ClusterContext, zone: string, name: string, { qtype }: Query): string[] {
  const answer = resolve(context, zone, name, qtype)
  const place = parseClusterName(zone, name, grammarOf(context.settings, zone))
  return [
    ...objectLines(context, zone, place),
    ...(answer.kind === 'nxdomain' ? holdLines(context, zone, name, qtype) : []),
    ...answerLines(context, name, answer, choiceAt(context, place)),
  ]
}

function objectLines(context: ClusterContext, zone: string, place: ClusterName): string[] {
  const { view, settings } = context
  switch (place.kind) {
    case 'apex':
      return [`the apex of ${isMulticluster(settings, zone) ? 'multicluster ' : ''}zone ${zone}`]
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
      return [shown, ...serviceLines(context, zone, place)]
    }
    case 'browse':
      return browseLines(context, place)
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

function serviceLines(context: ClusterContext, zone: string, place: ServiceNameParts): string[] {
  const { namespace, service: name, imported, topology } = place
  const { view } = context
  const service = imported ? view.serviceImport(namespace, name) : view.service(namespace, name)
  const kind = imported ? 'ServiceImport' : 'Service'
  if (!service) return [`no ${kind} ${namespace}/${name}`]
  const slices = imported ? view.importedSlices(namespace, name) : view.slices(namespace, name)
  return [
    'clusterIPs' in service ? serviceLine(service) : importLine(service),
    `slices: ${sliceList(slices)}`,
    ...(topology
      ? [`endpoints in topology zone ${topology.zone}${topology.mode === 'pin' ? ' only' : ', else all'}`]
      : []),
    ...('clusterIPs' in service
      ? [
          ...extraLines(context, service, place),
          ...splitLines(context, zone, service, place),
          ...settlingLines(context, service),
          ...rankLines(context, service, slices),
          ...problemLines(context, namespace, name),
        ]
      : []),
  ]
}

function serviceLine(service: Service): string {
  const kind = service.headless
    ? 'headless'
    : service.type === 'ExternalName'
      ? `ExternalName ${service.externalName}`
      : `${service.type} ${service.clusterIPs.join(' ')}`
  return `Service ${service.namespace}/${service.name}: ${kind}; ports ${portList(service)}`
}

function importLine(service: ServiceImport): string {
  const kind = service.type === 'Headless' ? 'headless' : `ClusterSetIP ${service.ips.join(' ')}`
  return `ServiceImport ${service.namespace}/${service.name}: ${kind}; ports ${portList(service)}`
}

const portList = ({ ports }: Service | ServiceImport): string =>
  ports.map(({ name, protocol, port }) => `${name || '(unnamed)'}/${protocol} ${port}`).join(', ') || 'none'

function sliceList(slices: readonly EndpointSlice[]): string {
  if (slices.length === 0) return 'none'
  return slices
    .map((slice) => {
      const from = slice.cluster === '' ? '' : ` from cluster ${slice.cluster}`
      return `${slice.name}${from} (${readyCount(slice)} of ${slice.count} ready)`
    })
    .join(', ')
}

function answerLines(context: ClusterContext, name: string, answer: Answer, choice: TtlChoice | undefined): string[] {
  const { settings } = context
  switch (answer.kind) {
    case 'nxdomain':
      return [fallsThrough(settings, name) ? 'missing: falls through to the next plugin' : 'missing: NXDOMAIN']
    case 'nodata':
      return ['there is such a name, without records of this type']
    case 'unknown':
      return [`SERVFAIL: not known yet, or not allowed to be read: ${answer.resources.join(', ')}`]
    case 'chase':
    case 'choice':
      return [ttlLine(context, answer, choice), 'answered by the chain: the target of a CNAME is resolved per query']
    default:
      return [ttlLine(context, answer, choice)]
  }
}
