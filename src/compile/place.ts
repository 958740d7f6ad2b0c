/** The grammar of cluster names (coredns-behaviour §4.2): which place in the cluster a name speaks of. */
import { addressOfReverseName, formatAddress, reverseName } from '../dns/address.ts'
import { isSubdomain, labelsOf } from '../dns/name.ts'
import { below } from './settings.ts'

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

/** A service, some of its ports, or one of its endpoints. '' stands for any. */
export interface ServicePlace {
  readonly kind: 'service'
  readonly namespace: string
  readonly service: string
  readonly endpoint: string
  readonly port: string
  readonly protocol: string
}

const nowhere: Place = { kind: 'nowhere' }

/** `name` is lower case and in `zone`. */
export function placeOf(zone: string, name: string): Place {
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
  // One label is an endpoint, two are port and protocol; whatever stands left of a pod's is not looked at.
  if (last > 4) return nowhere
  if (tree === 'pod') return { kind: 'pod', namespace, label: labels[last - 2] }
  const service = {
    kind: 'service' as const,
    namespace,
    service: labels[last - 2],
    endpoint: '',
    port: '',
    protocol: '',
  }
  if (last === 3) return { ...service, endpoint: labels[0] }
  if (last === 4) return { ...service, port: withoutUnderscore(labels[0]), protocol: withoutUnderscore(labels[1]) }
  return service
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
