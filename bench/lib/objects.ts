/** The cluster that the benchmarks serve: as many services and endpoints as asked for, the same in every run. */

export interface Size {
  readonly services: number
  readonly endpoints: number
}

export const smallCluster: Size = { services: 1000, endpoints: 10_000 }
export const largeCluster: Size = { services: 8000, endpoints: 150_000 }

const namespaces = 40
/** Every fourth service is headless: StatefulSets and inference peers, the others are behind a ClusterIP. */
export const isHeadless = (at: number): boolean => at % 4 === 3
export const namespaceOf = (at: number): string => `team-${at % namespaces}`
export const serviceName = (at: number): string => `service-${at}`
export const hostOf = (at: number): string => `${serviceName(at)}.${namespaceOf(at)}.svc.cluster.local`

export function namespaceNames(): string[] {
  return Array.from({ length: namespaces }, (_, at) => namespaceOf(at))
}

/** Bodies for POST to the collection of their namespace. */
export function serviceObject(at: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: serviceName(at), namespace: namespaceOf(at) },
    spec: {
      ...(isHeadless(at) ? { clusterIP: 'None' } : {}),
      selector: { app: serviceName(at) },
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { name: 'metrics', port: 9090, protocol: 'TCP' },
      ],
    },
  }
}

/** Traffic splits over a service behind a ClusterIP and a headless one, so that a split beside these is as large. */
export const splits = 200
export const splitHostOf = (at: number): string => `split-${at}.${namespaceOf(at)}.svc.cluster.local`

export function splitObject(at: number, { services }: Size): object {
  const behind = (odd: number): string => {
    const backend = (at * 4 + odd) % (services - (services % 4))
    return `${serviceName(backend)}.${namespaceOf(backend)}`
  }
  const annotations = { 'slicedns.io/split': `${behind(0)}=90,${behind(3)}=10` }
  const ports = [{ name: 'http', port: 80, protocol: 'TCP' }]
  const metadata = { name: `split-${at}`, namespace: namespaceOf(at), annotations }
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { clusterIP: 'None', ports } }
}

export function sliceObject(at: number, size: Size): object {
  const [from, to] = endpointRange(at, size)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: {
      name: `${serviceName(at)}-slice`,
      namespace: namespaceOf(at),
      labels: { 'kubernetes.io/service-name': serviceName(at), app: serviceName(at) },
    },
    ports: [
      { name: 'http', port: 8080, protocol: 'TCP' },
      { name: 'metrics', port: 9090, protocol: 'TCP' },
    ],
    endpoints: Array.from({ length: to - from }, (_, place) => endpoint(at, from + place)),
  }
}

function endpoint(service: number, number: number): object {
  const pod = `${serviceName(service)}-${number}`
  return {
    addresses: [address(number)],
    conditions: { ready: true, serving: true, terminating: false },
    nodeName: `node-${number % 500}`,
    zone: `zone-${number % 3}`,
    targetRef: { kind: 'Pod', namespace: namespaceOf(service), name: pod },
  }
}

/** The endpoints of all services are numbered through; a service has those of its range. */
function endpointRange(at: number, { services, endpoints }: Size): [number, number] {
  return [Math.floor((at * endpoints) / services), Math.floor(((at + 1) * endpoints) / services)]
}

/** Pod addresses from 10.0.0.1 on; services have theirs from the API server's own range, 10.96.0.0/12 or so. */
function address(number: number): string {
  const value = number + 1
  return `10.${value >> 16}.${(value >> 8) & 255}.${value & 255}`
}
