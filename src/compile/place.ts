/** The grammar of cluster names (coredns-behaviour §4.2): which place in the cluster a name speaks of. */
import { addressOfReverseName, formatAddress, reverseName } from '../dns/address.ts'
import { isSubdomain, labelsOf, NameError, parseName } from '../dns/name.ts'
import { below, type ClusterDnsSettings, isMulticluster } from './settings.ts'

export type Place =
  | { readonly kind: 'apex' }
  /** `svc.ZONE` or `pod.ZONE`. */
  | { readonly kind: 'tree'; readonly tree: 'svc' | 'pod' }
  | { readonly kind: 'version' }
  | { readonly kind: 'nameserver' }
  | { readonly kind: 'namespace'; readonly tree: 'svc' | 'pod'; readonly namespace: string }
  | ServicePlace
  | { readonly kind: 'pod'; readonly namespace: string; readonly label: string }
  | { readonly kind: 'reverse'; readonly address: Uint8Array }
  /** No name that a cluster can have. */
  | { readonly kind: 'nowhere' }

/** A service, some of its ports, or some of its endpoints. '' stands for any. */
export interface ServicePlace {
  readonly kind: 'service'
  /** In a multicluster zone: a ServiceImport instead of a Service. */
  readonly imported: boolean
  readonly namespace: string
  readonly service: string
  readonly endpoint: string
  /** Of an imported service's endpoint: where it runs. */
  readonly cluster: string
  readonly port: string
  readonly protocol: string
  readonly topology: Topology | undefined
}

/** The endpoints in one topology zone: those alone (`pin`), or all when there are none (`prefer`). */
export interface Topology {
  readonly zone: string
  readonly mode: 'pin' | 'prefer'
}

/** What the Corefile adds to the grammar. */
export interface Grammar {
  readonly multicluster: boolean
  readonly zonal: boolean
}

export function grammarOf(settings: ClusterDnsSettings, zone: string): Grammar {
  const multicluster = isMulticluster(settings, zone)
  return { multicluster, zonal: settings.zonal && !multicluster }
}

const plain: Grammar = { multicluster: false, zonal: false }

const nowhere: Place = { kind: 'nowhere' }

/** `name` is lower case and in `zone`. */
export function placeOf(zone: string, name: string, grammar: Grammar = plain): Place {
  if (name === zone) return { kind: 'apex' }
  const labels = labelsOf(zone === '.' ? name : `${name.slice(0, -zone.length)}`)
  const last = labels.length - 1
  if (last === 0 && labels[0] === 'dns-version') return { kind: 'version' }
  if (last === 1 && labels[0] === 'ns' && labels[1] === 'dns') return { kind: 'nameserver' }
  const tree = labels[last]
  if (last === 0 && (tree === 'svc' || tree === 'pod')) return { kind: 'tree', tree }
  if (isSubdomain('in-addr.arpa.', name) || isSubdomain('ip6.arpa.', name)) return reversePlace(name)
  if (tree !== 'svc' && tree !== 'pod') return nowhere
  const namespace = labels[last - 1]
  if (last === 1) return { kind: 'namespace', tree, namespace }
  if (tree === 'svc') return servicePlace(namespace, labels[last - 2], labels.slice(0, last - 2), grammar)
  // Whatever stands left of a pod's label is not looked at.
  return last > 4 ? nowhere : { kind: 'pod', namespace, label: labels[last - 2] }
}

/** Stands for all endpoints of a service in place of one: no endpoint's label begins with an underscore. */
export const everyEndpoint = '_endpoints'

export const isServiceItself = (place: Place): place is ServicePlace =>
  place.kind === 'service' &&
  place.endpoint === '' &&
  place.port === '' &&
  place.protocol === '' &&
  place.topology === undefined

/** `left`: one label is an endpoint, two are port and protocol, or endpoint and cluster. */
function servicePlace(namespace: string, service: string, left: readonly string[], grammar: Grammar): Place {
  const place: ServicePlace = {
    kind: 'service',
    imported: grammar.multicluster,
    namespace,
    service,
    endpoint: '',
    cluster: '',
    port: '',
    protocol: '',
    topology: undefined,
  }
  if (left.length === 0) return place
  if (left.length === 1) return { ...place, endpoint: left[0] }
  if (left.length > 2) {
    if (left.length === 3 && left[2] === everyEndpoint && !grammar.multicluster) {
      return {
        ...place,
        endpoint: everyEndpoint,
        port: withoutUnderscore(left[0]),
        protocol: withoutUnderscore(left[1]),
      }
    }
    const topology = grammar.zonal ? topologyOf(left) : undefined
    return topology ? { ...place, topology } : nowhere
  }
  const [first, second] = left
  if (grammar.multicluster && !first.startsWith('_') && !second.startsWith('_')) {
    return { ...place, endpoint: first, cluster: second }
  }
  return { ...place, port: withoutUnderscore(first), protocol: withoutUnderscore(second) }
}

/** `ZONE.pin._zone` or `ZONE.prefer._zone`; the name of a topology zone may have dots. */
function topologyOf(left: readonly string[]): Topology | undefined {
  const mode = left[left.length - 2]
  if (left[left.length - 1] !== '_zone' || (mode !== 'pin' && mode !== 'prefer')) return undefined
  return { zone: left.slice(0, -2).join('.'), mode }
}

/** The underscores of RFC 2782 are not insisted on; a lone one stands for any. */
export const withoutUnderscore = (label: string): string => (label.startsWith('_') ? label.slice(1) : label)

function reversePlace(name: string): Place {
  // CoreDNS overlooks up to three labels in front of an IPv6 address's 32.
  const labels = labelsOf(name)
  const surplus = name.endsWith('.ip6.arpa.') ? Math.min(3, Math.max(0, labels.length - 34)) : 0
  const address = addressOfReverseName(surplus ? `${labels.slice(surplus).join('.')}.` : name)
  return address ? { kind: 'reverse', address } : nowhere
}

export const serviceName = (namespace: string, service: string, zone: string): string =>
  below(`${service}.${namespace}.svc`, zone)

export const namespaceName = (namespace: string, tree: 'svc' | 'pod', zone: string): string =>
  below(`${namespace}.${tree}`, zone)

/** The address's PTR name, or undefined when the zone does not hold it. */
export function pointerName(address: Uint8Array, zone: string): string | undefined {
  const name = reverseName(address)
  return isSubdomain(zone, name) ? name : undefined
}

/** The label of an address in endpoint names: dots and colons as dashes, never with a dash at its end. */
export function addressLabel(bytes: Uint8Array, at: number, length: number): string {
  const label = formatAddress(bytes, at, length).replace(/[.:]/g, '-')
  return label.endsWith('-') ? `${label}0` : label
}

/** The address text that a pod's label writes (`10-0-0-1`, `2001-db8--1`); it need not be an address. */
export function podAddressText(label: string): string {
  const dashes = label.split('-').length - 1
  return dashes === 3 && !label.includes('--') ? label.replaceAll('-', '.') : label.replaceAll('-', ':')
}

/** Undefined for what is no domain name: the API server lets none in, a manifest may. */
export function absoluteName(text: string): string | undefined {
  try {
    return parseName(text)
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}
