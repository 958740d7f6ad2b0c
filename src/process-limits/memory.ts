/** Divides the process's memory limit. All figures are octets. */

const kibibyte = 1024
const mebibyte = 1024 * kibibyte

/** The limit of CoreDNS's pod in kubeadm's manifests: assumed if nothing else is known. */
const defaultPod = 170 * mebibyte

/** A lower limit is a mistake (`170m`, `170`): the runtime alone needs this much. */
const smallestLimit = 64 * mebibyte

/** Resident memory of an idle server with a mid-sized cluster: Node.js, a UDP thread, the cluster model, the table. */
const idle = 96 * mebibyte

/** A large cluster's model may use up `limit - idle`: loads still get this part of the limit. */
const leastVariable = 1 / 8

/**
 * Parts of the memory above idle. They add up to all of it: even if every limit is reached at the same time the process stays
 * within its own.
 */
const parts = {
  /** Open connections, their queries not counted: `connectionCost` each. */
  tcpConnections: 4 / 24,
  /** Incomplete messages. A message has at most 4 KiB, so a third of the connections may hold a complete one. */
  tcpInput: 2 / 24,
  /** Replies not yet taken: about 140 of the largest (64 KiB) in the default pod. */
  tcpOutput: 3 / 24,
  /** Queries waiting for the plugin chain, that is, for upstreams: their octets, including all copies. */
  waitingQueries: 2 / 24,
  /** Sockets and state of queries to upstreams: `exchangeCost` each. */
  upstreamExchanges: 5 / 24,
  /** Replies that `cache` keeps. */
  cache: 4 / 24,
  /** Table entries compiled on first use. Those that every cluster needs are part of `idle`. */
  table: 3 / 24,
  /** Requests and responses of the HTTP endpoints. */
  http: 1 / 24,
} as const

/** An idle TCP connection, measured: 10,000 take 100 MiB. */
const connectionCost = 10 * kibibyte
/** A query to an upstream with its socket, measured under a flood: 1,000 take 15 to 30 MiB. */
const exchangeCost = 16 * kibibyte

/** Maxima; more memory would be of no use. */
const most = { tcpInput: 64 * mebibyte, tcpOutput: 64 * mebibyte, waitingQueries: 64 * mebibyte, http: 16 * mebibyte }

/**
 * Zones use the memory of a large cluster's model. Their records get five eighths of the memory above idle: a million A records in
 * the default pod. Their nodes in the answer table get a quarter; what does not fit is answered by the chain.
 */
const zoneParts = { zones: 5 / 8, zoneTable: 1 / 4 } as const

export interface MemoryLimits {
  /** The limit that was divided. */
  readonly limit: number
  /** Where it comes from, for the log: `-memory-limit`, `cgroup`, or `default`. */
  readonly source: '-memory-limit' | 'cgroup' | 'default'
  /** Octets of incomplete TCP messages, over all connections. */
  readonly tcpInput: number
  /** Octets of TCP replies that clients have not taken, over all connections. */
  readonly tcpOutput: number
  /** Octets of queries that wait for the plugin chain. */
  readonly waitingQueries: number
  /** Octets of table entries that are compiled on first use. */
  readonly table: number
  /** Octets of cached upstream replies. */
  readonly cache: number
  /** Octets of HTTP responses under way. */
  readonly http: number
  /** Octets of the records of all zones (`file`, `auto`, `secondary`). */
  readonly zones: number
  /** Octets that the zones of a plugin may take of the answer table. */
  readonly zoneTable: number
  /** Maximum TCP connections for which the memory suffices. */
  readonly tcpConnections: number
  /** Maximum concurrent queries to upstreams for which the memory suffices. */
  readonly upstreamExchanges: number
}

export function divideMemory(limit: number | undefined, source: MemoryLimits['source']): MemoryLimits {
  const total = limit ?? defaultPod
  const variable = Math.max(total - idle, total * leastVariable)
  const share = (part: keyof typeof parts) => Math.floor(variable * parts[part])
  return {
    limit: total,
    source,
    tcpInput: Math.min(share('tcpInput'), most.tcpInput),
    tcpOutput: Math.min(share('tcpOutput'), most.tcpOutput),
    waitingQueries: Math.min(share('waitingQueries'), most.waitingQueries),
    table: share('table'),
    cache: share('cache'),
    http: Math.min(share('http'), most.http),
    zones: Math.floor(variable * zoneParts.zones),
    zoneTable: Math.floor(variable * zoneParts.zoneTable),
    tcpConnections: Math.floor(share('tcpConnections') / connectionCost),
    upstreamExchanges: Math.floor(share('upstreamExchanges') / exchangeCost),
  }
}

const units: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
}

/**
 * The octets of a memory limit: a number of octets, as the downward API writes it, or a Kubernetes quantity (`170Mi`,
 * `0.5Gi`, `512M`). Throws RangeError.
 */
export function parseMemoryLimit(text: string): number {
  const found = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text)
  const unit = found ? units[found[2]] : undefined
  if (!found || unit === undefined)
    throw new RangeError(`invalid memory limit "${text}": must be a quantity such as 170Mi, 1Gi or 178257920`)
  const octets = Math.floor(Number(found[1]) * unit)
  if (octets < smallestLimit) throw new RangeError(`invalid memory limit "${text}": must be at least 64Mi`)
  return Math.min(octets, Number.MAX_SAFE_INTEGER)
}
