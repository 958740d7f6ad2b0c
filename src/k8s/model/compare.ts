/** Equality of reduced objects: an object equal to the one in the model is not a change. */
import type { Annotated } from './annotation-budget.ts'
import type { EndpointSlice, Namespace, Pod, Service, ServiceImport, ServicePort } from './types.ts'

export function sameService(a: Service, b: Service): boolean {
  return (
    a.uid === b.uid &&
    a.type === b.type &&
    a.headless === b.headless &&
    a.externalName === b.externalName &&
    a.publishNotReadyAddresses === b.publishNotReadyAddresses &&
    a.createdAt === b.createdAt &&
    sameTexts(a.clusterIPs, b.clusterIPs) &&
    samePorts(a.ports, b.ports) &&
    sameExternals(a, b) &&
    sameAnnotated(a, b)
  )
}

/** Where a service is reachable from outside: externalIPs and load balancer ingress. */
export function sameExternals(a: Service, b: Service): boolean {
  return (
    sameTexts(a.externalIPs, b.externalIPs) &&
    a.ingress.length === b.ingress.length &&
    a.ingress.every((entry, i) => entry.ip === b.ingress[i].ip && entry.hostname === b.ingress[i].hostname)
  )
}

export function sameSlice(a: EndpointSlice, b: EndpointSlice): boolean {
  return (
    a.uid === b.uid &&
    a.service === b.service &&
    a.cluster === b.cluster &&
    a.addressType === b.addressType &&
    a.count === b.count &&
    samePorts(a.ports, b.ports) &&
    sameBytes(a.flags, b.flags) &&
    sameBytes(a.addresses, b.addresses) &&
    sameTexts(a.hostnames, b.hostnames) &&
    sameTexts(a.podNames, b.podNames) &&
    sameTexts(a.zones, b.zones) &&
    a.targets === b.targets &&
    sameTexts(a.fqdns, b.fqdns) &&
    sameAnnotated(a, b)
  )
}

export function sameNamespace(a: Namespace, b: Namespace): boolean {
  return a.uid === b.uid && sameAnnotated(a, b)
}

export function samePod(a: Pod, b: Pod): boolean {
  return a.terminating === b.terminating && sameTexts(a.ips, b.ips) && sameAnnotations(a.labels, b.labels)
}

export function sameServiceImport(a: ServiceImport, b: ServiceImport): boolean {
  return a.type === b.type && sameTexts(a.ips, b.ips) && samePorts(a.ports, b.ports)
}

export function samePorts(a: readonly ServicePort[], b: readonly ServicePort[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  return a.every((port, i) => port.port === b[i].port && port.name === b[i].name && port.protocol === b[i].protocol)
}

export function sameTexts(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false
  }
  return true
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return false
  }
  return true
}

function sameAnnotated(a: Annotated, b: Annotated): boolean {
  return a.annotationsLeftOut?.octets === b.annotationsLeftOut?.octets && sameAnnotations(a.annotations, b.annotations)
}

export function sameAnnotations(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  if (a === b) return true
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key])
}
