/** Everything that one name answers, as the table keeps it. Derived from `resolve`, so the chain cannot differ. */

import { type as dnsType } from '../../dns/codes.ts'
import type { ClusterView, Service, ServiceImport } from '../../k8s/model/types.ts'
import type { AnswerSpec, NodeSpec, ZoneSpec } from '../../table/spec.ts'
import type { ClusterContext } from '../context.ts'
import { holdOf } from '../features/hold/names.ts'
import { grpcConfigNames } from '../features/metadata/records.ts'
import { isLarge } from '../features/split/lookup.ts'
import { namedBackends, splitOf } from '../features/split/named.ts'
import { noPort } from '../lookup/endpoints.ts'
import { lookup } from '../lookup/lookup.ts'
import type { LookupResult } from '../lookup/result.ts'
import {
  absoluteName,
  type ClusterName,
  grammarOf,
  isServiceItself,
  parseClusterName,
  type ServiceNameParts,
  serviceName,
} from '../names/cluster-name.ts'
import {
  below,
  type ClusterDnsSettings,
  fallsThrough,
  fallsThroughBelow,
  isMulticluster,
  isReverseZone,
  zoneOf,
} from '../settings.ts'
import { type Answer, answerOf, isStorable } from './answers.ts'

/** Types that any cluster name has answers of its own for. */
const ownTypes = [
  dnsType.A,
  dnsType.AAAA,
  dnsType.SRV,
  dnsType.TXT,
  dnsType.CNAME,
  dnsType.PTR,
  dnsType.NS,
  dnsType.SOA,
]
/** Stands for every other type. */
const anyOther = dnsType.HTTPS

export interface CompileOptions {
  /**
   * SRV records of headless services, and of splits over very many endpoints, are left to the chain: they take ten times
   * the room of the addresses, and few services are asked for them.
   */
  readonly withoutEndpointServices?: boolean
}

/**
 * What the table should answer at `name` (lower case, in `zone`). Undefined when no name is there: the table denies it
 * by the closed node above it, or sends it to the chain.
 */
export function compileNode(
  context: ClusterContext,
  zone: string,
  name: string,
  options: CompileOptions = {},
): NodeSpec | undefined {
  const place = parseClusterName(zone, name, grammarOf(context.settings, zone))
  const found = lookup(context, zone, place)
  if (found.kind === 'missing' && !isDeniedAlone(context, zone, name, place)) return undefined
  const toSpec = (answer: Answer): AnswerSpec => {
    if (!isStorable(answer)) return { kind: 'chain' }
    return answer.kind === 'nxdomain' && fallsThrough(context.settings, name) ? { kind: 'chain' } : answer
  }
  const others = toSpec(answerOf(context, zone, found, anyOther)).kind as 'nodata' | 'nxdomain' | 'chain'
  const answers = new Map<number, AnswerSpec>()
  for (const type of ownTypes) {
    const spec = isLeftOut(place, found, type, context, options)
      ? ({ kind: 'chain' } as const)
      : toSpec(answerOf(context, zone, found, type))
    if (spec.kind !== others) answers.set(type, spec)
  }
  return { zone, below: belowOf(context, zone, name, place), otherTypes: others, answers }
}

/**
 * A name that is missing although there may be names below it (RFC 8020 would have it NODATA; CoreDNS does not):
 * `dns.ZONE`, a headless service without endpoints, which has topology zones, or whose endpoints are waited for, a split
 * without a backend left, whose own endpoints have their names all the same, an import without ports.
 */
function isDeniedAlone(context: ClusterContext, zone: string, name: string, place: ClusterName): boolean {
  const { view, settings } = context
  if (name === below('dns', zone)) return true
  if (!isServiceItself(place)) return false
  if (place.imported) return view.serviceImport(place.namespace, place.service) !== undefined
  if (settings.zonal && isHeadless(view, place)) return true
  const service = view.service(place.namespace, place.service)
  if (service && splitOf(context, service)) return true
  return holdOf(context, place.namespace, place.service) !== undefined
}

/** Answers that do not go into the table although it could hold them. */
function isLeftOut(
  place: ClusterName,
  found: LookupResult,
  type: number,
  context: ClusterContext,
  options: CompileOptions,
): boolean {
  // They follow the endpoints that our own addresses are; few ask.
  if (found.kind === 'apex') return type === dnsType.NS || (type === dnsType.PTR && found.pointers !== undefined)
  // All namespaces: it changes with each of them.
  if (place.kind === 'browse' && place.namespace === '' && place.what === 'domains') return type === dnsType.PTR
  if (found.kind === 'nameserver') return type === dnsType.A || type === dnsType.AAAA
  if (type !== dnsType.SRV || !options.withoutEndpointServices) return false
  if (found.kind === 'groups' && found.split) return isLarge(found.split)
  return isServiceItself(place) && isHeadless(context.view, place) && hasPorts(context.view, place)
}

/** Without a port there is no SRV record: that costs the table nothing to say. */
function hasPorts(view: ClusterView, { imported, namespace, service }: ServiceNameParts): boolean {
  const slices = imported ? view.importedSlices(namespace, service) : view.slices(namespace, service)
  return slices.some(({ ports }) => ports.some(({ port }) => port !== noPort))
}

export function isHeadless(view: ClusterView, { imported, namespace, service }: ServiceNameParts): boolean {
  if (imported) return view.serviceImport(namespace, service)?.type === 'Headless'
  return view.service(namespace, service)?.headless ?? false
}

/** Whether the table, once the zone's names are in it, knows every name below this one (docs/design.md §5). */
function belowOf(context: ClusterContext, zone: string, name: string, place: ClusterName): 'closed' | 'open' {
  if (fallsThroughBelow(context.settings, name)) return 'open'
  switch (place.kind) {
    case 'apex':
      return isReverseZone(zone) || zone === '.' ? 'open' : 'closed'
    case 'tree':
    case 'namespace':
      return place.tree === 'pod' && context.settings.pods !== 'disabled' ? 'open' : 'closed'
    case 'service':
      // Endpoints, and the many spellings of a port's name, are compiled when they are first asked for. Three labels
      // left of a service there is nothing, but for topology zones below `_zone`.
      return (place.port !== '' || place.protocol !== '') && place.protocol !== 'zone' ? 'closed' : 'open'
    case 'browse':
      // Instances are compiled when they are first asked for.
      return place.what === 'instances' ? 'open' : 'closed'
    case 'version':
    case 'nameserver':
    case 'nowhere':
      return 'closed'
    default:
      return 'open'
  }
}

/** The names of a zone that are there whatever the cluster holds. */
export function fixedNames(settings: ClusterDnsSettings, zone: string): string[] {
  if (isReverseZone(zone)) return [zone]
  const browsing = grammarOf(settings, zone).browsable ? ['_udp', '_dns-sd._udp', 'b._dns-sd._udp'] : []
  return [zone, ...['svc', 'pod', 'dns', 'ns.dns', 'dns-version', ...browsing].map((left) => below(left, zone))]
}

/**
 * The names of a service that are compiled ahead of any query: its own, and `_port._proto` of one with an address of
 * its own or a split, and that of a gRPC service config. Those that another of our zones holds are left out, and those
 * that are too long to be names (RFC 1035 §2.3.4: the zone's is added to what the API server has checked).
 */
export function namesOfService(context: ClusterContext, zone: string, service: Service | ServiceImport): string[] {
  const own = serviceName(service.namespace, service.name, zone)
  const names = [own]
  if (hasOwnAddress(service) || isSplit(context, service)) {
    for (const port of service.ports) if (port.name !== '') names.push(`_${port.name}._${port.protocol}.${own}`)
  }
  if ('clusterIPs' in service) names.push(...grpcConfigNames(context, zone, service))
  return names.filter((name) => zoneOf(context.settings, name) === zone && absoluteName(name) !== undefined)
}

const hasOwnAddress = (service: Service | ServiceImport): boolean =>
  'clusterIPs' in service ? !service.headless && service.type !== 'ExternalName' : service.type === 'ClusterSetIP'

/** Of what its annotation says: whether it may be one depends on others. */
const isSplit = (context: ClusterContext, service: Service | ServiceImport): boolean =>
  'clusterIPs' in service && namedBackends(context, service).length > 0

export function zoneSpec(context: ClusterContext, zone: string, open: boolean): ZoneSpec {
  const { view, settings } = context
  const { ttl } = settings
  // A zone for aliases has no names of its own.
  const apex = settings.zones.includes(zone) ? zone : settings.primaryZone
  return {
    zone,
    soa: {
      mname: below('ns.dns', apex),
      rname: below('hostmaster', apex),
      serial: isMulticluster(settings, zone) ? view.multiclusterSerial : view.serial,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttl,
      ttl: Math.min(ttl, 300),
    },
    open,
  }
}
