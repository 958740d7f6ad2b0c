/**
 * ClusterIPs for Services in manifests that specify none. The same set of Services always gets the same addresses: each
 * from a hash of its namespace and name, in 10.96.0.0/12 and fd00:10:96::/108 (the ranges of kubeadm and kind).
 */
import { formatAddress } from '../model/address.ts'

export interface ClusterIPs {
  /** Reserves the addresses that a Service specifies itself. */
  reserve(service: unknown): void
  /** Addresses for a Service that needs some and specifies none; else []. `key`: namespace/name. */
  assign(service: unknown, key: string): string[]
}

const hostBits = 20
/** The first 256 stay free for addresses chosen by hand: .1 for the API server, .10 for the cluster's DNS. */
const firstHost = 256

export function createClusterIPs(): ClusterIPs {
  const taken = new Set<string>()
  const assignOne = (family: string, key: string): string => {
    let host = hash(`${key}/${family}`) % (2 ** hostBits - firstHost)
    for (;;) {
      const address = family === 'IPv6' ? address6(firstHost + host) : address4(firstHost + host)
      if (!taken.has(address)) {
        taken.add(address)
        return address
      }
      host = (host + 1) % (2 ** hostBits - firstHost)
    }
  }
  return {
    reserve(service) {
      for (const ip of declared(specOf(service))) taken.add(ip)
    },
    assign(service, key) {
      const spec = specOf(service)
      if (spec.type === 'ExternalName' || declared(spec).length > 0) return []
      return families(spec).map((family) => assignOne(family, key))
    },
  }
}

type Spec = Readonly<Record<string, unknown>>

function specOf(service: unknown): Spec {
  const spec = (service as { spec?: unknown }).spec
  return typeof spec === 'object' && spec !== null ? (spec as Spec) : {}
}

function declared(spec: Spec): string[] {
  const list = Array.isArray(spec.clusterIPs) ? spec.clusterIPs : []
  return [...list, spec.clusterIP].filter((ip): ip is string => typeof ip === 'string' && ip !== '')
}

function families(spec: Spec): string[] {
  const listed = Array.isArray(spec.ipFamilies) ? spec.ipFamilies.filter((family) => typeof family === 'string') : []
  const first = listed.length > 0 ? listed : ['IPv4']
  const dual = spec.ipFamilyPolicy === 'RequireDualStack' || spec.ipFamilyPolicy === 'PreferDualStack'
  return dual && first.length === 1 ? [first[0], first[0] === 'IPv6' ? 'IPv4' : 'IPv6'] : first
}

/** 10.96.0.0/12 */
function address4(host: number): string {
  return formatAddress(Uint8Array.of(10, 96 + (host >>> 16), (host >>> 8) & 0xff, host & 0xff))
}

/** fd00:10:96::/108 */
function address6(host: number): string {
  const bytes = new Uint8Array(16)
  bytes.set([0xfd, 0, 0, 0x10, 0, 0x96])
  bytes.set([host >>> 16, (host >>> 8) & 0xff, host & 0xff], 13)
  return formatAddress(bytes)
}

/** FNV-1a with a final mix: any change of a letter changes the whole hash. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return (value ^ (value >>> 13)) >>> 0
}
