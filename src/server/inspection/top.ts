/** What is asked most, and by whom: the sketches of all threads, and of the queries that the chain answered. */
import { LOCAL_ROWS } from '../../answer/counters.ts'
import { type Counted, createSketchReader, type SketchSums } from '../../answer/sketch/reader.ts'
import { createSketchRecorder } from '../../answer/sketch/recorder.ts'
import type { TopEntry, TopState } from '../../console/state.ts'
import { formatAddress, parseAddress } from '../../dns/address.ts'
import { isSubdomain, labelsOf, nameToWire, wireToName } from '../../dns/name.ts'
import type { Clock } from '../../scheduling/clock.ts'
import type { TableHandle } from '../../table/api.ts'
import { createNameKey, readName } from '../../table/name-key.ts'
import type { Miss } from '../ingress.ts'

const second = 1_000
/** Milliseconds. Figures cover the last one to two of these. */
const generation = 30 * second
/** Entries of each list. */
const most = 20
const mostExamples = 10

/** A cluster with names that clients try by search path. */
export interface SearchedCluster {
  readonly zones: readonly string[]
  isNamespace(name: string): boolean
}

export interface Top {
  /** Starts or continues counting. */
  advance(clusters: readonly SearchedCluster[]): void
  stop(): void
  /** Counts a query answered by the chain. */
  count(miss: Miss, reply: Uint8Array): void
  read(clusters: readonly SearchedCluster[]): {
    readonly state: TopState
    /** How often the variant with this tag was selected at the name. */
    picked(name: string, tag: number): number
  }
}

export function createTop(handle: TableHandle, clock: Clock): Top {
  const reader = createSketchReader(handle)
  const recorder = createSketchRecorder(handle, LOCAL_ROWS)
  const key = createNameKey(new Int32Array(handle.memory))
  /** When the current generation and the previous one began; undefined: not yet. */
  let began: number | undefined
  let begunBefore: number | undefined

  return {
    advance(clusters) {
      if (began !== undefined && clock.now() - began < generation) return
      begunBefore = began
      began = clock.now()
      reader.setZones(clusters.flatMap(({ zones }) => zones).map((zone) => nameToWire(zone)))
      reader.advance()
    },
    stop() {
      if (began === undefined) return
      began = begunBefore = undefined
      reader.stop()
    },
    count({ request, client }, reply) {
      const address = parseAddress(client.address)
      if (!address || readName(key, request, 12, request.length) < 0) return
      const query = { key, rcode: reply[3] & 15, client: address, clientAt: 0, labelsBelow: 0, picked: 0 }
      recorder.begin(clock.now())
      recorder.count(query, address.length === 4 ? 1 : 2)
    },
    read(clusters) {
      const sums = reader.read()
      const window = began === undefined ? 0 : Math.max(1, (clock.now() - (begunBefore ?? began)) / second)
      const rate = (count: number) => (window > 0 ? count / window : 0)
      const entries = (counted: readonly Counted[], text: (octets: Uint8Array) => string): TopEntry[] =>
        counted.slice(0, most).map(({ octets, count, error }) => ({
          key: text(octets),
          rate: rate(count),
          error: rate(error),
        }))
      const name = (octets: Uint8Array) => wireToName(octets, 0)
      const picks = new Map(sums.picks.map(({ octets, tag, count }) => [`${name(octets)} ${tag}`, count]))
      const state: TopState = {
        window,
        sampled: sums.sampled > 0 ? Math.max(1, sums.queries / sums.sampled) : 1,
        names: entries(sums.names, name),
        nxdomain: entries(sums.nxdomain, name),
        servfail: entries(sums.servfail, name),
        clients: entries(sums.clients, formatAddress),
        searchPath: searchPathOf(sums, clusters, rate),
      }
      return { state, picked: (split, tag) => picks.get(`${split} ${tag}`) ?? 0 }
    },
  }
}

function searchPathOf(
  { queries, wasted, nxdomain }: SketchSums,
  clusters: readonly SearchedCluster[],
  rate: (count: number) => number,
): TopState['searchPath'] {
  const outside = new Map<string, number>()
  for (const { octets, count } of nxdomain) {
    const found = outsideName(wireToName(octets, 0), clusters)
    if (found !== undefined) outside.set(found, (outside.get(found) ?? 0) + count)
  }
  const examples = [...outside].sort(([, a], [, b]) => b - a).slice(0, mostExamples)
  return {
    queries: rate(queries),
    wasted: rate(wasted),
    share: queries > 0 ? Math.min(1, wasted / queries) : 0,
    examples: examples.map(([key, count]) => ({ key, rate: rate(count) })),
  }
}

/** `www.example.com.` of `www.example.com.shop.svc.cluster.local.`; undefined for the cluster's own names. */
function outsideName(name: string, clusters: readonly SearchedCluster[]): string | undefined {
  for (const { zones, isNamespace } of clusters) {
    const zone = zones.find((each) => isSubdomain(each, name))
    if (zone === undefined) continue
    const labels = labelsOf(name).slice(0, -labelsOf(zone).length)
    if (labels.at(-1) === 'svc') {
      labels.pop()
      if (isNamespace(labels.at(-1) ?? '')) labels.pop()
    }
    return labels.length >= 2 ? `${labels.join('.')}.` : undefined
  }
  return undefined
}
