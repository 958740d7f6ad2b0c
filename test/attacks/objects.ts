/** Kubernetes objects as attackers make them: legal, and large. */
import type { KubeObject } from '../support/api-server/encode.ts'

export interface PortNumbers {
  readonly name?: string
  readonly port: number
}

interface ServiceOptions {
  readonly clusterIP?: string
  readonly ports?: readonly PortNumbers[]
  readonly annotations?: Readonly<Record<string, string>>
}

/** A headless Service unless it has a `clusterIP`. */
export function service(namespace: string, name: string, options: ServiceOptions = {}): KubeObject {
  const { clusterIP = 'None', ports = [{ name: 'http', port: 80 }], annotations } = options
  return {
    kind: 'Service',
    metadata: { namespace, name, ...(annotations && { annotations }) },
    spec: {
      clusterIP,
      clusterIPs: [clusterIP],
      type: 'ClusterIP',
      ports: ports.map((port) => ({ protocol: 'TCP', ...port })),
    },
  }
}

interface SliceOptions {
  readonly index?: number
  readonly addressType?: 'IPv4' | 'FQDN'
  readonly endpoints: readonly KubeObject[]
  readonly ports?: readonly PortNumbers[]
}

export function slice(namespace: string, name: string, options: SliceOptions): KubeObject {
  const { index = 0, addressType = 'IPv4', endpoints, ports = [{ name: 'http', port: 80 }] } = options
  return {
    kind: 'EndpointSlice',
    metadata: { namespace, name: `${name}-${index}`, labels: { 'kubernetes.io/service-name': name } },
    addressType,
    endpoints,
    ports: ports.map((port) => ({ protocol: 'TCP', ...port })),
  }
}

/** Slices of at most 100 endpoints, as the controller makes them; addresses count up from `first`. */
export function slices(
  namespace: string,
  name: string,
  count: number,
  { ports, first = 0 }: { readonly ports?: readonly PortNumbers[]; readonly first?: number } = {},
): KubeObject[] {
  return Array.from({ length: Math.ceil(count / 100) }, (_, index) =>
    slice(namespace, name, {
      index,
      ...(ports && { ports }),
      endpoints: Array.from({ length: Math.min(100, count - 100 * index) }, (__, i) =>
        endpoint(first + 100 * index + i),
      ),
    }),
  )
}

export function endpoint(number: number, ready = true): KubeObject {
  return { addresses: [`10.${100 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`], conditions: { ready } }
}

export function manyPorts(count: number): PortNumbers[] {
  return Array.from({ length: count }, (_, i) => ({ name: `p${i}`, port: 1 + i }))
}
