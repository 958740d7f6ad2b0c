/** The grammar of cluster names (docs/coredns-behaviour.md §4.2): what of the cluster a name stands for. */
import { addressOfReverseName, formatAddress } from '../../dns/address.ts'
import { below, isSubdomain, labelsOf, NameError, parseName } from '../../dns/name.ts'
import { type ClusterDnsSettings, isMulticluster, isReverseZone } from '../settings.ts'

export type ClusterName =
  /** `address`: of a reverse zone that is one address (a CIDR of Corefiles may become several). */
  | { readonly kind: 'apex'; readonly address?: Uint8Array }
  /** `svc.ZONE` or `pod.ZONE`. */
  | { readonly kind: 'tree'; readonly tree: 'svc' | 'pod' }
  | { readonly kind: 'version' }
  | { readonly kind: 'nameserver' }
  | { readonly kind: 'namespace'; readonly tree: 'svc' | 'pod'; readonly namespace: string }
  | ServiceNameParts
  | { readonly kind: 'pod'; readonly namespace: string; readonly label: string }
  | { readonly kind: 'reverse'; readonly address: Uint8Array }
  | BrowseName
  /** Not a name that a cluster can have. */
  | { readonly kind: 'nowhere' }

/** A name of DNS-based service discovery (RFC 6763). `namespace`: '' for the zone itself. */
export type BrowseName =
  /** The domains to browse; the service types there. */
  | { readonly kind: 'browse'; readonly namespace: string; readonly what: 'domains' | 'types' }
  /** The instances of a type (`_http._tcp`); an empty non-terminal above such names (`_tcp`). */
  | {
      readonly kind: 'browse'
      readonly namespace: string
      readonly what: 'instances' | 'nothing'
      readonly type: string
    }

/** A service, some of its ports, or some of its endpoints. '' stands for any. */
export interface ServiceNameParts {
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
  /** The port and protocol as an instance of a service type: `SERVICE._port._proto.NAMESPACE`. */
  readonly instance?: boolean
}

/** The endpoints in one topology zone: those alone (`pin`), or all when there are none (`prefer`). */
export interface Topology {
  readonly zone: string
  readonly mode: 'pin' | 'prefer'
}

/** What the Corefile adds to the grammar. */
export interface NameGrammar {
  readonly multicluster: boolean
  readonly zonal: boolean
  readonly browsable: boolean
}

export function grammarOf(settings: ClusterDnsSettings, zone: string): NameGrammar {
  const multicluster = isMulticluster(settings, zone)
  const own = !multicluster && !isReverseZone(zone)
  return { multicluster, zonal: settings.zonal && !multicluster, browsable: settings.dnsSd && own }
}

const plain: NameGrammar = { multicluster: false, zonal: false, browsable: false }

const nowhere: ClusterName = { kind: 'nowhere' }

/** `name` is lower case and in `zone`. */
export function parseClusterName(zone: string, name: string, grammar: NameGrammar = plain): ClusterName {
  if (name === zone) return apexName(zone)
  const labels = labelsOf(zone === '.' ? name : `${name.slice(0, -zone.length)}`)
  const last = labels.length - 1
  if (last === 0 && labels[0] === 'dns-version') return { kind: 'version' }
  if (last === 1 && labels[0] === 'ns' && labels[1] === 'dns') return { kind: 'nameserver' }
  const tree = labels[last]
  if (grammar.browsable && protocols.has(tree)) return parseBrowse('', labels)
  if (last === 0 && (tree === 'svc' || tree === 'pod')) return { kind: 'tree', tree }
  if (isSubdomain('in-addr.arpa.', name) || isSubdomain('ip6.arpa.', name)) return parseReverse(name)
  if (tree !== 'svc' && tree !== 'pod') return nowhere
  const namespace = labels[last - 1]
  if (last === 1) return { kind: 'namespace', tree, namespace }
  if (tree === 'svc' && grammar.browsable && protocols.has(labels[last - 2])) {
    return parseBrowse(namespace, labels.slice(0, last - 1))
  }
  if (tree === 'svc') return parseService(namespace, labels[last - 2], labels.slice(0, last - 2), grammar)
  // Labels left of a pod's label are ignored.
  return last > 4 ? nowhere : { kind: 'pod', namespace, label: labels[last - 2] }
}

/** No service or namespace has such a name. */
const protocols: ReadonlySet<string> = new Set(['_tcp', '_udp', '_sctp'])

/** `labels`: those left of the namespace, or of the zone; the last is a protocol. */
function parseBrowse(namespace: string, labels: readonly string[]): ClusterName {
  const [first, second] = labels.slice(-3)
  const text = labels.join('.')
  if (text === 'b._dns-sd._udp') return { kind: 'browse', namespace, what: 'domains' }
  if (text === '_udp' || text === '_dns-sd._udp') return { kind: 'browse', namespace, what: 'nothing', type: '_udp' }
  if (namespace === '') return nowhere
  if (text === 'lb._dns-sd._udp') return { kind: 'browse', namespace, what: 'domains' }
  if (text === '_services._dns-sd._udp') return { kind: 'browse', namespace, what: 'types' }
  if (labels.length === 1) return { kind: 'browse', namespace, what: 'nothing', type: text }
  if (labels.length === 2) {
    return first.startsWith('_') ? { kind: 'browse', namespace, what: 'instances', type: text } : nowhere
  }
  if (labels.length > 3 || !second.startsWith('_') || text.endsWith('._dns-sd._udp')) return nowhere
  const [port, protocol] = [second.slice(1), labels[2].slice(1)]
  return { ...serviceItself(namespace, first), port, protocol, instance: true }
}

/** Stands for all endpoints of a service in place of one: no endpoint's label begins with an underscore. */
export const everyEndpoint = '_endpoints'

export const isServiceItself = (name: ClusterName): name is ServiceNameParts =>
  name.kind === 'service' &&
  name.endpoint === '' &&
  name.port === '' &&
  name.protocol === '' &&
  name.topology === undefined

/** `left`: one label is an endpoint, two are port and protocol, or endpoint and cluster. */
function parseService(namespace: string, service: string, left: readonly string[], grammar: NameGrammar): ClusterName {
  const parts: ServiceNameParts = { ...serviceItself(namespace, service), imported: grammar.multicluster }
  if (left.length === 0) return parts
  if (left.length === 1) return { ...parts, endpoint: left[0] }
  if (left.length > 2) {
    if (left.length === 3 && left[2] === everyEndpoint && !grammar.multicluster) {
      return {
        ...parts,
        endpoint: everyEndpoint,
        port: withoutUnderscore(left[0]),
        protocol: withoutUnderscore(left[1]),
      }
    }
    const topology = grammar.zonal ? topologyOf(left) : undefined
    return topology ? { ...parts, topology } : nowhere
  }
  const [first, second] = left
  if (grammar.multicluster && !first.startsWith('_') && !second.startsWith('_')) {
    return { ...parts, endpoint: first, cluster: second }
  }
  return { ...parts, port: withoutUnderscore(first), protocol: withoutUnderscore(second) }
}

export const serviceItself = (namespace: string, service: string): ServiceNameParts => ({
  kind: 'service',
  imported: false,
  namespace,
  service,
  endpoint: '',
  cluster: '',
  port: '',
  protocol: '',
  topology: undefined,
})

/** `ZONE.pin._zone` or `ZONE.prefer._zone`; the name of a topology zone may have dots. */
function topologyOf(left: readonly string[]): Topology | undefined {
  const mode = left[left.length - 2]
  if (left[left.length - 1] !== '_zone' || (mode !== 'pin' && mode !== 'prefer')) return undefined
  return { zone: left.slice(0, -2).join('.'), mode }
}

/** The underscores of RFC 2782 are optional; a lone one stands for any. */
export const withoutUnderscore = (label: string): string => (label.startsWith('_') ? label.slice(1) : label)

function apexName(zone: string): ClusterName {
  const address = addressOfReverseName(zone)
  return address ? { kind: 'apex', address } : { kind: 'apex' }
}

function parseReverse(name: string): ClusterName {
  const address = addressOfReverseName(name)
  return address ? { kind: 'reverse', address } : nowhere
}

export const serviceName = (namespace: string, service: string, zone: string): string =>
  below(`${service}.${namespace}.svc`, zone)

export const namespaceName = (namespace: string, tree: 'svc' | 'pod', zone: string): string =>
  below(`${namespace}.${tree}`, zone)

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

/** Undefined for a text that is not a domain name: the API server refuses it, a manifest may hold it. */
export function absoluteName(text: string): string | undefined {
  try {
    return parseName(text)
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}
