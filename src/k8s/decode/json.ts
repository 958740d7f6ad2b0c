/**
 * Reduces Kubernetes objects in JSON (custom resources, servers without protobuf, manifests). Must give the same result as the
 * protobuf decoder. Every access is checked, because the object may be anything.
 */

import { label } from '../model/labels.ts'
import type { Octets } from '../model/target-names.ts'
import { type EndpointSlice, everyPort, type Reduced, type Resource, type ServicePort } from '../model/types.ts'
import { MalformedObject, type MetaDraft, newMeta, newService } from './draft.ts'
import type { Reducer } from './reduce.ts'

type Fields = Readonly<Record<string, unknown>>

const encoder = new TextEncoder()

/** metadata of an object. Throws MalformedObject. */
export function jsonMeta(object: unknown, reducer: Reducer): MetaDraft {
  const { share } = reducer.strings
  const metadata = fields(fields(object, 'object').metadata, 'metadata')
  const meta = newMeta()
  meta.namespace = share(text(metadata.namespace, 'metadata.namespace'))
  meta.name = share(text(metadata.name, 'metadata.name'))
  meta.uid = text(metadata.uid, 'metadata.uid')
  meta.resourceVersion = text(metadata.resourceVersion, 'metadata.resourceVersion')
  meta.createdAt = seconds(metadata.creationTimestamp)
  meta.terminating = (metadata.deletionTimestamp ?? null) !== null
  const labels = fields(metadata.labels, 'metadata.labels')
  meta.service = share(text(labels[label.service], label.service))
  meta.importedService = share(text(labels[label.importedService], label.importedService))
  meta.sourceCluster = share(text(labels[label.sourceCluster], label.sourceCluster))
  if (reducer.keep.podLabels) {
    const texts = Object.entries(labels).map(([key, value]) => [share(key), share(text(value, key))])
    if (texts.length > 0) meta.labels = Object.fromEntries(texts)
  }
  for (const [key, value] of Object.entries(fields(metadata.annotations, 'metadata.annotations'))) {
    if (key === label.initialEventsEnd) meta.initialEventsEnd = value === 'true'
    if (!reducer.keepsAnnotation(key)) continue
    meta.annotations ??= {}
    meta.annotations[share(key)] = annotationText(value)
  }
  return meta
}

/**
 * The reduced form of an object with the metadata `meta`; undefined when DNS does not need it (a slice without service, a pod
 * without address). `previous`: the slice in the model. Throws MalformedObject.
 */
export function reduceJson(
  resource: Resource,
  object: unknown,
  meta: MetaDraft,
  reducer: Reducer,
  previous: EndpointSlice | undefined,
): Reduced | undefined {
  const root = fields(object, 'object')
  const spec = fields(root.spec, 'spec')
  const status = fields(root.status, 'status')
  switch (resource) {
    case 'services':
      return service(spec, status, meta, reducer)
    case 'endpointslices':
      return meta.service === '' ? undefined : slice(root, meta.service, meta, reducer, previous)
    case 'importedslices':
      return meta.importedService === '' ? undefined : slice(root, meta.importedService, meta, reducer, previous)
    case 'namespaces':
      return reducer.namespace(meta)
    case 'pods': {
      const all = list(status.podIPs, 'status.podIPs').map((entry) =>
        text(fields(entry, 'status.podIPs').ip, 'status.podIPs.ip'),
      )
      return reducer.pod(meta, [...all, text(status.podIP, 'status.podIP')])
    }
    case 'serviceimports':
      return reducer.serviceImport(
        meta,
        text(spec.type, 'spec.type'),
        texts(spec.ips, 'spec.ips'),
        ports(spec.ports, 'spec.ports', reducer),
      )
  }
}

/** Manifests are written by hand: a number without quotes, or any other scalar, is used as its text. */
function annotationText(value: unknown): string {
  if (typeof value !== 'object') return String(value ?? '')
  try {
    return value === null ? '' : JSON.stringify(value)
  } catch {
    // YAML can express an object that contains itself.
    return ''
  }
}

function service(spec: Fields, status: Fields, meta: MetaDraft, reducer: Reducer): Reduced {
  const draft = newService(meta)
  draft.type = text(spec.type, 'spec.type')
  draft.clusterIP = text(spec.clusterIP, 'spec.clusterIP')
  draft.clusterIPs = texts(spec.clusterIPs, 'spec.clusterIPs')
  draft.externalName = text(spec.externalName, 'spec.externalName')
  draft.ports = ports(spec.ports, 'spec.ports', reducer)
  draft.externalIPs = texts(spec.externalIPs, 'spec.externalIPs')
  draft.publishNotReadyAddresses = truth(spec.publishNotReadyAddresses, 'spec.publishNotReadyAddresses') ?? false
  const balancer = fields(status.loadBalancer, 'status.loadBalancer')
  for (const entry of list(balancer.ingress, 'status.loadBalancer.ingress')) {
    const { ip, hostname } = fields(entry, 'status.loadBalancer.ingress')
    draft.ingress.push({ ip: text(ip, 'ingress.ip'), hostname: text(hostname, 'ingress.hostname') })
  }
  return reducer.service(draft)
}

function slice(
  root: Fields,
  serviceName: string,
  meta: MetaDraft,
  reducer: Reducer,
  previous: EndpointSlice | undefined,
): Reduced {
  const { share } = reducer.strings
  const builder = reducer.slice
  builder.begin(text(root.addressType, 'addressType'))
  for (const entry of list(root.endpoints, 'endpoints')) {
    const endpoint = fields(entry, 'endpoints')
    const conditions = fields(endpoint.conditions, 'conditions')
    const pod = text(fields(endpoint.targetRef, 'targetRef').name, 'targetRef.name')
    builder.endpoint({
      ready: truth(conditions.ready, 'conditions.ready'),
      serving: truth(conditions.serving, 'conditions.serving'),
      terminating: truth(conditions.terminating, 'conditions.terminating'),
      hostname: share(text(endpoint.hostname, 'hostname')),
      podName: share(pod),
      zone: share(text(endpoint.zone, 'zone')),
      pod: octets(pod),
      node: octets(text(endpoint.nodeName, 'nodeName')),
    })
    for (const address of texts(endpoint.addresses, 'addresses')) {
      const bytes = encoder.encode(address)
      builder.address(bytes, 0, bytes.length)
    }
  }
  return builder.finish(meta, serviceName, ports(root.ports, 'ports', reducer), previous)
}

function octets(text: string): Octets {
  const bytes = encoder.encode(text)
  return { bytes, start: 0, end: bytes.length }
}

function ports(value: unknown, path: string, reducer: Reducer): ServicePort[] {
  const { share } = reducer.strings
  return list(value, path).map((entry) => {
    const { name, protocol, port } = fields(entry, path)
    return {
      name: share(text(name, `${path}.name`)),
      protocol: share(text(protocol, `${path}.protocol`).toLowerCase() || 'tcp'),
      port: portNumber(port, path),
    }
  })
}

function portNumber(value: unknown, path: string): number {
  if (value === undefined || value === null) return everyPort
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 65_535) {
    throw new MalformedObject(`${path}: port ${JSON.stringify(value)} is not a number from 0 to 65535`)
  }
  return value
}

/** Absent and null count as empty: Go writes null for an empty list. */
function fields(value: unknown, path: string): Fields {
  if (value === undefined || value === null) return {}
  if (typeof value === 'object' && !Array.isArray(value)) return value as Fields
  throw new MalformedObject(`${path} is not an object`)
}

function list(value: unknown, path: string): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  throw new MalformedObject(`${path} is not a list`)
}

function text(value: unknown, path: string): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw new MalformedObject(`${path} is not a text`)
}

function texts(value: unknown, path: string): string[] {
  return list(value, path).map((entry) => text(entry, path))
}

function truth(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  throw new MalformedObject(`${path} is neither true nor false`)
}

/** RFC 3339 to seconds since 1970; 0 when absent or invalid: it only decides an order. */
function seconds(value: unknown): number {
  const milliseconds = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000)
}
