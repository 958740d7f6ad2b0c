/** Kubernetes objects as the API takes them, with as much of each as DNS reads. */

export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [key: string]: unknown }
  readonly [key: string]: unknown
}

export interface ServiceOptions {
  readonly type?: string
  readonly clusterIP?: string
  readonly clusterIPs?: readonly string[]
  readonly ipFamilies?: readonly ('IPv4' | 'IPv6')[]
  readonly ipFamilyPolicy?: string
  readonly externalName?: string
  readonly externalIPs?: readonly string[]
  readonly ports?: readonly Port[]
  readonly publishNotReadyAddresses?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface Port {
  readonly name?: string
  readonly port: number
  readonly protocol?: string
  readonly targetPort?: number
}

interface EndpointOptions {
  readonly ready?: boolean | null
  readonly serving?: boolean | null
  readonly terminating?: boolean | null
  readonly hostname?: string
  readonly pod?: string
  readonly zone?: string
}

export type EndpointEntry = readonly [addresses: string | readonly string[], options?: EndpointOptions]

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): KubernetesObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

export const namespacesOf = (objects: readonly KubernetesObject[]): string[] =>
  objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name)

export function service(namespaceName: string, name: string, options: ServiceOptions): KubernetesObject {
  const { labels, annotations, ...spec } = options
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: namespaceName, labels: labels ?? {}, annotations: annotations ?? {} },
    spec: { ...spec, ports: spec.ports?.map((port) => ({ protocol: 'TCP', ...port })) },
  }
}

export function slice(
  namespaceName: string,
  name: string,
  serviceName: string,
  addressType: 'IPv4' | 'IPv6' | 'FQDN',
  ports: readonly Port[],
  endpoints: readonly EndpointEntry[],
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: namespaceName,
      labels: { 'kubernetes.io/service-name': serviceName, ...labels },
    },
    addressType,
    ports: ports.map(({ name: portName, port, protocol }) => ({
      name: portName ?? '',
      port,
      protocol: protocol ?? 'TCP',
    })),
    endpoints: endpoints.map(([addresses, options = {}]) => ({
      addresses: typeof addresses === 'string' ? [addresses] : addresses,
      conditions: conditions(options),
      ...(options.hostname === undefined ? {} : { hostname: options.hostname }),
      ...(options.zone === undefined ? {} : { zone: options.zone }),
      ...(options.pod === undefined ? {} : { targetRef: { kind: 'Pod', namespace: namespaceName, name: options.pod } }),
    })),
  }
}

function conditions({ ready = true, serving = null, terminating = null }: EndpointOptions): Record<string, boolean> {
  const stated = Object.entries({ ready, serving, terminating }).filter(([, value]) => value !== null)
  return Object.fromEntries(stated) as Record<string, boolean>
}

export function pod(
  namespaceName: string,
  name: string,
  ip: string,
  phase = 'Running',
  labels: Readonly<Record<string, string>> = {},
): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: namespaceName, labels },
    spec: { containers: [{ name: 'main', image: 'none.invalid/none' }] },
    status: { phase, podIP: ip, podIPs: [{ ip }] },
  }
}

export const http: Port = { name: 'http', port: 80 }
