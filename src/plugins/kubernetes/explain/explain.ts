/** Why a name has its answer (`slicedns explain`): the objects it comes from, the TTL and its source. */

import { namespaceProblems, serviceProblems } from '../../../cluster-dns/annotations/problems.ts'
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { aliasAt } from '../../../cluster-dns/features/alias/claims.ts'
import { features } from '../../../cluster-dns/features/index.ts'
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
import { objectOf, problemText } from '../annotation-report/report.ts'
import { browseLines, instanceLines } from './browse.ts'
import { endpointLines } from './endpoint-lines.ts'
import { listed } from './listed.ts'
import { namespaceSuggestion, serviceSuggestion } from './nearest-service.ts'
import { choiceAt, settlingLines, ttlLine } from './ttl.ts'

/** A name in one of the plugin's zones, and its answer. */
interface Explained {
  readonly zone: string
  /** Lower case, in `zone`. */
  readonly name: string
  readonly type: number
  readonly answer: Answer
}

export function explain(context: ClusterContext, { name, qtype }: Query): string[] {
  const { settings, view } = context
  const unread = view.synced ? [] : ['the cluster has not been read yet: until then no name is denied']
  const aliasLines = features.flatMap((feature) => feature.explainAlias?.(context, name) ?? [])
  const alias = aliasAt(context, name)
  if (alias?.alias) return [...aliasLines, ...nameLines(context, context.aliases.home, alias.alias.own, qtype)]
  const zone = alias?.zone ?? zoneOf(settings, name)
  if (zone === undefined) return [`not in its zones (${settings.zones.join(' ')}): goes to the next plugin`]
  if (!settings.zones.includes(zone)) return [...aliasLines, ...unread]
  return [...nameLines(context, zone, name, qtype), ...unread]
}

function nameLines(context: ClusterContext, zone: string, name: string, type: number): string[] {
  const answer = resolve(context, zone, name, type)
  const clusterName = parseClusterName(zone, name, grammarOf(context.settings, zone))
  return [
    ...objectLines(context, clusterName, { zone, name, type, answer }),
    ...answerLines(context, name, answer, choiceAt(context, clusterName)),
  ]
}

function objectLines(context: ClusterContext, clusterName: ClusterName, explained: Explained): string[] {
  const { settings } = context
  switch (clusterName.kind) {
    case 'apex': {
      const { zone } = explained
      return [`the apex of ${isMulticluster(settings, zone) ? 'multicluster ' : ''}zone ${zone}`]
    }
    case 'reverse':
      return [addressLine(context, clusterName.address)]
    case 'pod':
      return [`a pod's address in namespace ${clusterName.namespace} (pods ${settings.pods})`]
    case 'namespace':
      return [namespaceLine(context, clusterName.namespace)]
    case 'service':
      return [namespaceLine(context, clusterName.namespace), ...serviceLines(context, clusterName, explained)]
    case 'browse':
      return browseLines(context, clusterName)
    case 'nowhere':
      return ['not a name that a cluster can have']
    default:
      return ['a fixed name of the zone']
  }
}

function addressLine({ view }: ClusterContext, address: Uint8Array): string {
  const text = formatAddress(address)
  const service = view.serviceByClusterIP(text)
  if (service) return `${text} is the ClusterIP of ${service.namespace}/${service.name}`
  return `${text} is not a ClusterIP; slices with it: ${sliceList(view.endpointsByAddress(address).map(({ slice }) => slice))}`
}

function namespaceLine({ view, settings }: ClusterContext, name: string): string {
  if (!view.namespace(name)) return `no Namespace ${name}${namespaceSuggestion(view, name)}`
  const isShown = settings.namespaces?.has(name) ?? true
  return isShown ? `Namespace ${name}` : `Namespace ${name} is hidden by the namespaces option`
}

function serviceLines(context: ClusterContext, clusterName: ServiceNameParts, explained: Explained): string[] {
  const { namespace, service: name, imported, topology } = clusterName
  const { view } = context
  const service = imported ? view.serviceImport(namespace, name) : view.service(namespace, name)
  if (!service)
    return [
      imported
        ? `no ServiceImport ${namespace}/${name}`
        : `no Service ${namespace}/${name}${serviceSuggestion(view, namespace, name)}`,
    ]
  const slices = imported ? view.importedSlices(namespace, name) : view.slices(namespace, name)
  const zoneLines = topology
    ? [
        `endpoints in topology zone ${topology.zone}${topology.mode === 'pin' ? ' only' : ', or all endpoints if the zone is empty'}`,
      ]
    : []
  return [
    'ips' in service ? importLine(service) : serviceLine(service),
    `slices: ${sliceList(slices)}`,
    ...endpointLines(slices),
    ...zoneLines,
    ...('ips' in service ? [] : annotatedLines(context, service, clusterName, explained)),
  ]
}

/** The effects of annotations and `adaptive_ttl` on a service, and problems of its annotations. */
function annotatedLines(
  context: ClusterContext,
  service: Service,
  clusterName: ServiceNameParts,
  explained: Explained,
): string[] {
  const { namespace, name } = service
  const problems = [...namespaceProblems(context, namespace), ...serviceProblems(context, namespace, name)]
  return [
    ...instanceLines(clusterName),
    ...features.flatMap((feature) => feature.explain?.(context, { ...explained, clusterName, service }) ?? []),
    ...settlingLines(context, service),
    ...problems.map((problem) => `${objectOf(problem)}: ${problemText(problem)}`),
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
  listed(ports.map(({ name, protocol, port }) => `${name || '(unnamed)'}/${protocol} ${port}`))

const sliceList = (slices: readonly EndpointSlice[]): string =>
  listed(
    slices.map((slice) => {
      const from = slice.cluster === '' ? '' : ` from cluster ${slice.cluster}`
      return `${slice.name}${from} (${readyCount(slice)} of ${slice.count} ready)`
    }),
  )

function answerLines(context: ClusterContext, name: string, answer: Answer, choice: TtlChoice | undefined): string[] {
  switch (answer.kind) {
    case 'nxdomain':
      return [fallsThrough(context.settings, name) ? 'missing: falls through to the next plugin' : 'missing: NXDOMAIN']
    case 'nodata':
      return ['the name exists, without records of this type']
    case 'unknown':
      return [`SERVFAIL: not read yet, or not allowed to be read: ${answer.resources.join(', ')}`]
    case 'services-choice':
      return [ttlLine(context, answer, choice), 'answered by the chain: too many SRV records for the table']
    case 'chase':
    case 'choice':
      return [ttlLine(context, answer, choice), 'answered by the chain: the target of a CNAME is resolved per query']
    default:
      return [ttlLine(context, answer, choice)]
  }
}
