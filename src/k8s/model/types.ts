/**
 * The reduced model of a cluster: only what DNS needs, decoded directly from the API server's octets. It has no knowledge of
 * DNS. All names are as in Kubernetes (lower case).
 */
export interface ServicePort {
  /** '' when unnamed. */
  readonly name: string
  /** Lower case: tcp, udp, sctp. */
  readonly protocol: string
  /** 0 to 65535, or `everyPort`. */
  readonly port: number
}

/** The number of an EndpointPort without one: it stands for every port of the endpoints. */
export const everyPort = -1

/** Annotations excluded by the budget (annotation-budget.ts). */
export interface LeftOut {
  /** Why. It follows `annotation KEY is ignored: `. */
  readonly rule: string
  readonly octets: number
}

export interface Service {
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalName'
  /** First ClusterIP is `None`. */
  readonly headless: boolean
  /** As in the object, in its order; [] when headless or ExternalName. */
  readonly clusterIPs: readonly string[]
  readonly externalName: string
  readonly ports: readonly ServicePort[]
  readonly externalIPs: readonly string[]
  readonly ingress: readonly { readonly ip: string; readonly hostname: string }[]
  readonly publishNotReadyAddresses: boolean
  /** Annotations whose key begins with a prefix that a subscriber asked for (see ClusterConfig.annotationPrefixes). */
  readonly annotations: Readonly<Record<string, string>>
  /** Present if annotations are omitted (annotation-budget.ts). */
  readonly annotationsLeftOut?: LeftOut
  /** Seconds since 1970. */
  readonly createdAt: number
}

export interface Namespace {
  readonly name: string
  readonly uid: string
  readonly annotations: Readonly<Record<string, string>>
  /** Present if annotations are omitted (annotation-budget.ts). */
  readonly annotationsLeftOut?: LeftOut
}

/** Bits of EndpointSlice.flags. */
export const endpointFlag = { ready: 1, serving: 2, terminating: 4 } as const

/**
 * One EndpointSlice, packed: an endpoint with two addresses takes two places. No object per endpoint is kept. Places
 * are in the order of the slice.
 */
export interface EndpointSlice {
  readonly namespace: string
  readonly name: string
  /** Kept only when ClusterConfig.sliceUids; else undefined. */
  readonly uid: string | undefined
  /** Label kubernetes.io/service-name (multicluster.kubernetes.io/service-name for imported slices). */
  readonly service: string
  /** Label multicluster.kubernetes.io/source-cluster, or ''. */
  readonly cluster: string
  readonly addressType: 'IPv4' | 'IPv6' | 'FQDN'
  readonly ports: readonly ServicePort[]
  readonly count: number
  /** 4 or 16 octets a place; empty for FQDN. */
  readonly addresses: Uint8Array
  /** For FQDN slices: a name a place; else undefined. */
  readonly fqdns: readonly string[] | undefined
  /** endpointFlag bits a place. ready: true or absent. serving: true or absent (then as ready). */
  readonly flags: Uint8Array
  /** '' for a place without a host name; undefined when no place has one. */
  readonly hostnames: readonly string[] | undefined
  /** targetRef.name, '' without one; kept only when ClusterConfig.podNames; else undefined. */
  readonly podNames: readonly string[] | undefined
  /** Endpoint.zone, interned; kept only when ClusterConfig.zones; else undefined. */
  readonly zones: readonly string[] | undefined
  /** The pod and node behind each place, packed: see target-names.ts. */
  readonly targets: string
  readonly annotations: Readonly<Record<string, string>>
  /** Present if annotations are omitted (annotation-budget.ts). */
  readonly annotationsLeftOut?: LeftOut
}

export interface ServiceImport {
  readonly namespace: string
  readonly name: string
  readonly type: 'ClusterSetIP' | 'Headless'
  readonly ips: readonly string[]
  readonly ports: readonly ServicePort[]
}

/** A pod as `pods verified` needs it; pods without an address are not kept. */
export interface Pod {
  readonly namespace: string
  readonly name: string
  /** status.podIPs and status.podIP as the API writes them, each once; at least one. */
  readonly ips: readonly string[]
  /** Kept only when ClusterConfig.podLabels; else {}. */
  readonly labels: Readonly<Record<string, string>>
  /** Its deletion has been requested: the address may soon belong to another pod. */
  readonly terminating: boolean
}

/** The reduced form of each resource's objects. */
export interface ReducedOf {
  services: Service
  endpointslices: EndpointSlice
  namespaces: Namespace
  pods: Pod
  serviceimports: ServiceImport
  importedslices: EndpointSlice
}

export type Reduced = ReducedOf[Resource]

export type Resource = 'services' | 'endpointslices' | 'namespaces' | 'pods' | 'serviceimports' | 'importedslices'

/**
 * synced: the initial list has arrived (it stays synced when the API server goes away). pending: not yet.
 * forbidden: refused by RBAC (403) before it was ever synced. off: not watched.
 */
export type Availability = 'synced' | 'pending' | 'forbidden' | 'off'

/** Read access to the model: synchronous, always as of the latest event. */
export interface ClusterView {
  service(namespace: string, name: string): Service | undefined
  services(): Iterable<Service>
  servicesIn(namespace: string): Iterable<Service>
  /** Slices of a service, in a stable order; [] when none. */
  slices(namespace: string, service: string): readonly EndpointSlice[]
  /** All EndpointSlices, including those of services that do not exist. */
  allSlices(): Iterable<EndpointSlice>
  namespace(name: string): Namespace | undefined
  namespaces(): Iterable<Namespace>
  /** For `pods verified`: whether a pod with this address (in the API's text form) exists in the namespace. */
  hasPod(namespace: string, ip: string): boolean
  /** The pods with this IP: several with host networking, or briefly when an address changes hands. */
  podsByIP(ip: string): readonly Pod[]
  serviceImport(namespace: string, name: string): ServiceImport | undefined
  serviceImports(): Iterable<ServiceImport>
  /** Imported slices (MCS) of a service name. */
  importedSlices(namespace: string, service: string): readonly EndpointSlice[]
  /** The service with this ClusterIP (canonical text, RFC 5952). */
  serviceByClusterIP(ip: string): Service | undefined
  /** Services reachable from outside at this address (canonical text): externalIPs and load balancer ingress. */
  servicesByExternalIP(ip: string): readonly Service[]
  /** Every endpoint with this address (packed), of any service: its slice, and its index there. */
  endpointsByAddress(address: Uint8Array): readonly { readonly slice: EndpointSlice; readonly index: number }[]
  availability(resource: Resource): Availability
  /**
   * Every watched resource is synced or forbidden, and services and namespaces are synced. ServiceImports and imported slices
   * do not count: the cluster's own names do not wait for a custom resource that may not be listable.
   */
  readonly synced: boolean
  /**
   * Some objects come from a snapshot (src/k8s/snapshot) and have not been listed since: they may have changed or gone, so
   * answers have a TTL of a few seconds only.
   */
  readonly restored: boolean
  /**
   * Unix seconds of the last change that CoreDNS counts for the SOA serial (docs/coredns-behaviour.md §4.6); 0 before
   * any.
   */
  readonly serial: number
  /** The same for multicluster zones: a separate serial, raised by updates of imports and imported slices only. */
  readonly multiclusterSerial: number
  /** The same for k8s_external: raised by updates of a service's external addresses or ports only. */
  readonly externalSerial: number
}
