/** All answers of one name, as the table keeps them. Derived from the chain's own answers, so the two agree. */

import { type as dnsType } from '../../dns/codes.ts'
import { extendedErrorData, infoCode } from '../../dns/extended-error.ts'
import { below } from '../../dns/name.ts'
import type { ClusterView, Service, ServiceImport } from '../../k8s/model/types.ts'
import type { AnswerSpec, NodeSpec, ZoneSpec } from '../../table/spec.ts'
import type { ClusterContext } from '../context.ts'
import { grpcConfigNames } from '../features/grpc-config/config-name.ts'
import { holdOf } from '../features/hold/awaited.ts'
import { namedBackends, splitOf } from '../features/split/split-backends.ts'
import { isLarge } from '../features/split/split-lookup.ts'
import { noPort } from '../lookup/endpoints.ts'
import { lookup } from '../lookup/lookup.ts'
import type { LookupResult } from '../lookup/result.ts'
import { unreadyText } from '../lookup/unready.ts'
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
  type ClusterDnsSettings,
  fallsThrough,
  fallsThroughBelow,
  isMulticluster,
  isReverseZone,
  zoneOf,
} from '../settings.ts'
import { type Answer, answerOf, isStorable } from './answers.ts'

/** Types for which a cluster name may have a specific answer. */
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
/** Represents every other type. */
const anyOther = dnsType.HTTPS

export interface CompileOptions {
  /**
   * Leaves SRV records of headless services and of splits over many endpoints to the chain: they take ten times the
   * octets of the addresses, and clients ask few services for them. So are the addresses of splits over very many
   * endpoints: one annotation of a hundred octets can name all large services of a cluster.
   */
  readonly withoutEndpointServices?: boolean
}

/**
 * The table's node at `name` (lower case, in `zone`). Undefined when the name does not exist: the closest node above then
 * denies it, or leaves it to the chain.
 */
export function compileNode(
  context: ClusterContext,
  zone: string,
  name: string,
  options: CompileOptions = {},
): NodeSpec | undefined {
  const clusterName = parseClusterName(zone, name, grammarOf(context.settings, zone))
  const result = lookup(context, zone, clusterName)
  const explanation = result.kind === 'missing' ? explanationOf(context, clusterName) : undefined
  const mayHaveBelow = result.kind !== 'missing' || mayHaveNamesBelow(context, zone, name, clusterName)
  if (!mayHaveBelow && explanation === undefined) return undefined
  const toSpec = (answer: Answer): AnswerSpec => {
    if (!isStorable(answer)) return { kind: 'chain' }
    return answer.kind === 'nxdomain' && fallsThrough(context.settings, name) ? { kind: 'chain' } : answer
  }
  const others = toSpec(answerOf(context, zone, result, anyOther)).kind as 'nodata' | 'nxdomain' | 'chain'
  const answers = new Map<number, AnswerSpec>()
  for (const type of ownTypes) {
    const spec = isLeftToChain(clusterName, result, type, context, options)
      ? ({ kind: 'chain' } as const)
      : toSpec(answerOf(context, zone, result, type))
    if (spec.kind !== others) answers.set(type, spec)
  }
  // A node that only explains denies what the closed node above it would.
  const below = mayHaveBelow ? belowOf(context, zone, name, clusterName) : belowMissing(context, name)
  const stale = context.view.restored
  return { zone, below, otherTypes: others, answers, ...(explanation && { explanation }), ...(stale && { stale }) }
}

/** The Service itself: what is below it is denied by its node, and explained by it. */
function explanationOf(context: ClusterContext, clusterName: ClusterName): Uint8Array | undefined {
  const text = isServiceItself(clusterName) ? unreadyText(context, clusterName) : undefined
  return text === undefined ? undefined : extendedErrorData(infoCode.other, text)
}

const belowMissing = ({ settings }: ClusterContext, name: string): 'closed' | 'open' =>
  fallsThroughBelow(settings, name) ? 'open' : 'closed'

/**
 * Whether a name needs a node although it is missing, because names below it may exist (RFC 8020 would make it NODATA;
 * CoreDNS does not): `dns.ZONE`, a headless service without endpoints that has topology zones or holds queries, a split
 * without a backend, whose own endpoints keep their names, an import without ports.
 */
function mayHaveNamesBelow(context: ClusterContext, zone: string, name: string, clusterName: ClusterName): boolean {
  const { view, settings } = context
  if (name === below('dns', zone)) return true
  if (!isServiceItself(clusterName)) return false
  const { namespace, service: serviceName } = clusterName
  if (clusterName.imported) return view.serviceImport(namespace, serviceName) !== undefined
  if (settings.zonal && isHeadlessName(view, clusterName)) return true
  const service = view.service(namespace, serviceName)
  if (service && splitOf(context, service)) return true
  return holdOf(context, namespace, serviceName) !== undefined
}

/** Answers that do not go into the table although it could hold them. */
function isLeftToChain(
  clusterName: ClusterName,
  result: LookupResult,
  type: number,
  context: ClusterContext,
  options: CompileOptions,
): boolean {
  // They change with the endpoints that have our own addresses, and few clients ask.
  if (result.kind === 'apex') return type === dnsType.NS || (type === dnsType.PTR && result.pointers !== undefined)
  if (result.kind === 'nameserver') return type === dnsType.A || type === dnsType.AAAA
  // The list of all namespaces changes with each of them.
  if (clusterName.kind === 'browse' && clusterName.namespace === '' && clusterName.what === 'domains') {
    return type === dnsType.PTR
  }
  if (!options.withoutEndpointServices) return false
  if (type === dnsType.A || type === dnsType.AAAA) {
    return result.kind === 'groups' && result.split !== undefined && result.split.endpointCount > maxSplitEndpointsAhead
  }
  if (type !== dnsType.SRV) return false
  if (result.kind === 'groups' && result.split) return isLarge(result.split)
  return (
    isServiceItself(clusterName) && isHeadlessName(context.view, clusterName) && hasPorts(context.view, clusterName)
  )
}

/** Endpoints of all backends of a split whose addresses are compiled ahead. */
const maxSplitEndpointsAhead = 4096

/** Without a port there is no SRV record, and the table's NODATA costs nothing. */
function hasPorts(view: ClusterView, { imported, namespace, service }: ServiceNameParts): boolean {
  const slices = imported ? view.importedSlices(namespace, service) : view.slices(namespace, service)
  return slices.some(({ ports }) => ports.some(({ port }) => port !== noPort))
}

export function isHeadlessName(view: ClusterView, { imported, namespace, service }: ServiceNameParts): boolean {
  if (imported) return view.serviceImport(namespace, service)?.type === 'Headless'
  return view.service(namespace, service)?.headless ?? false
}

/** Whether the table, once the zone's names are in it, knows every name below this one (docs/design.md §5). */
function belowOf(context: ClusterContext, zone: string, name: string, clusterName: ClusterName): 'closed' | 'open' {
  if (fallsThroughBelow(context.settings, name)) return 'open'
  switch (clusterName.kind) {
    case 'apex':
      return isReverseZone(zone) || zone === '.' ? 'open' : 'closed'
    case 'tree':
    case 'namespace':
      return clusterName.tree === 'pod' && context.settings.pods !== 'disabled' ? 'open' : 'closed'
    case 'service':
      // Endpoints and the many spellings of a port's name are compiled on first use. Three labels left of a service are
      // only topology zones, below `_zone`.
      return (clusterName.port !== '' || clusterName.protocol !== '') && clusterName.protocol !== 'zone'
        ? 'closed'
        : 'open'
    case 'browse':
      // Instances are compiled on first use.
      return clusterName.what === 'instances' ? 'open' : 'closed'
    case 'version':
    case 'nameserver':
    case 'nowhere':
      return 'closed'
    default:
      return 'open'
  }
}

/** The names of a zone that exist whatever the cluster holds. */
export function fixedNames(settings: ClusterDnsSettings, zone: string): string[] {
  if (isReverseZone(zone)) return [zone]
  const browsing = grammarOf(settings, zone).browsable ? ['_udp', '_dns-sd._udp', 'b._dns-sd._udp'] : []
  return [zone, ...['svc', 'pod', 'dns', 'ns.dns', 'dns-version', ...browsing].map((left) => below(left, zone))]
}

/**
 * The names of a service that are compiled ahead of any query: its own, `_port._proto` of a split or a service with an
 * address of its own (the first of thousands: the chain answers the others), and that of a gRPC service config. Names
 * in another of our zones are left out, and so are names that are too long (RFC 1035 §2.3.4: the API server has checked
 * them without the zone).
 */
export function namesOfService(context: ClusterContext, zone: string, service: Service | ServiceImport): string[] {
  const own = serviceName(service.namespace, service.name, zone)
  const names = [own]
  if ('clusterIPs' in service) names.push(...grpcConfigNames(context, zone, service))
  if (hasOwnAddress(service) || mayBeSplit(context, service)) names.push(...namesOfPorts(service, own))
  return names.filter((name) => zoneOf(context.settings, name) === zone && absoluteName(name) !== undefined)
}

/** Ports of one service that have a name compiled ahead: a Service may have 15,000. */
const maxPortsAhead = 256

/** `_port._proto` below `own`, in the order of the ports. */
export function namesOfPorts({ ports }: Service | ServiceImport, own: string, most = maxPortsAhead): string[] {
  const names: string[] = []
  for (const { name, protocol } of ports) {
    if (names.length === most) break
    if (name !== '') names.push(`_${name}._${protocol}.${own}`)
  }
  return names
}

const hasOwnAddress = (service: Service | ServiceImport): boolean =>
  'clusterIPs' in service ? !service.headless && service.type !== 'ExternalName' : service.type === 'ClusterSetIP'

/** By its annotation alone: whether it is refused depends on other services. */
const mayBeSplit = (context: ClusterContext, service: Service | ServiceImport): boolean =>
  'clusterIPs' in service && namedBackends(context, service).length > 0

export function zoneSpec(context: ClusterContext, zone: string, open: boolean): ZoneSpec {
  const { view, settings } = context
  const { ttl } = settings
  // An alias zone has no static names, so it uses those of the primary zone.
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
