/** The contents of `slicedns top`: sections with rows, independent of the screen. */
import type { ConsoleState, TopEntry } from '../../console/state.ts'
import { duration, elapsed, mebibytes, percent, rate } from '../figures.ts'

export interface Section {
  readonly title: string
  /** Shown after the title. */
  readonly note?: string
  /** Cells; each column has cells of one kind. */
  readonly rows: readonly (readonly string[])[]
  /** Number of rows omitted. */
  readonly more?: number
  /** Shown instead of rows. */
  readonly none?: string
}

/** The sort order of lists. */
export type Order = 'figure' | 'name'

export type MakeSection = (state: ConsoleState, order: Order) => Section

const lasting = (before: number, now: number): string => `${elapsed((now - before) / 1000)} ago`

/** A one-line summary of the server. */
export function stateLine({ server }: ConsoleState): string {
  const { version, pid, host, corefile, uptime, ready, unready, memory } = server
  const limit =
    memory.limit === undefined
      ? ''
      : ` of ${mebibytes(memory.limit)} (${percent(memory.resident / Math.max(1, memory.limit))})`
  return [
    ready ? 'ready' : `NOT READY: ${unready.join(', ')}`,
    `up ${elapsed(uptime)}`,
    `memory ${mebibytes(memory.resident)}${limit}`,
    `pid ${pid} at ${host}`,
    corefile,
    `slicedns-${version}`,
  ].join(' · ')
}

export const server: MakeSection = ({ server: { threads, lastReload, listeners }, api, time }) => ({
  title: 'server',
  rows: [
    ['threads', threads.map(({ name, busy }) => `${name} ${percent(busy)}`).join(', ')],
    ...listeners.map(({ scheme, address, port, zones }) => [
      'listens',
      `${scheme}://${address.includes(':') ? `[${address}]` : address}:${port} ${zones.join(' ')}`,
    ]),
    ...(lastReload
      ? [['reload', `${lasting(lastReload.time, time)}${lastReload.ok ? '' : ` FAILED: ${lastReload.error}`}`]]
      : []),
    ...api.flatMap(({ plugin, endpoint, connected, watches, snapshot, freshness }) => [
      [
        plugin,
        `${endpoint}: ${connected ? 'connected' : 'NOT CONNECTED'}${snapshot ? snapshotText(snapshot.age) : ''}`,
      ],
      ...watches.map(({ resource, objects, synced, age, error }) => [
        '',
        `${resource} ${objects}, ${synced ? `last event ${elapsed(age)} ago` : 'NOT READ YET'}${error ? `: ${error}` : ''}`,
      ]),
      ...(freshness && !freshness.ok ? [['', `NOT FRESH: ${freshness.detail ?? 'the last proof failed'}`]] : []),
    ]),
  ],
})

const snapshotText = (age: number): string => `, ANSWERS FROM A SNAPSHOT ${elapsed(age)} old`

export const traffic: MakeSection = ({ traffic: { queries, rcodes, paths, protocols, latency, hourAgo }, top }) => {
  const rates = (figures: Readonly<Record<string, number>>): string =>
    Object.entries(figures)
      .sort(([, a], [, b]) => b - a)
      .map(([name, perSecond]) => `${name} ${rate(perSecond)}`)
      .join('  ')
  const { searchPath } = top
  return {
    title: 'queries',
    rows: [
      ['all', rate(queries)],
      ['rcodes', rates(rcodes)],
      ['answered by', rates(paths)],
      ['protocols', rates(protocols)],
      ['latency', `p50 ${duration(latency.p50)}  p99 ${duration(latency.p99)}`],
      ...(hourAgo
        ? [
            [
              'an hour ago',
              `p50 ${duration(hourAgo.p50)}  p99 ${duration(hourAgo.p99)}  queries ${rate(hourAgo.queries)}`,
            ],
          ]
        : []),
      ...(searchPath.wasted > 0
        ? [
            [
              'ndots costs',
              `${percent(searchPath.share)} of the queries: search paths of ${searchPath.examples.map(({ key }) => key).join(', ')}`,
            ],
          ]
        : []),
    ],
  }
}

const topList =
  (title: string, of: (state: ConsoleState) => readonly TopEntry[]): MakeSection =>
  (state, order) => {
    const entries = of(state)
    const sorted = order === 'name' ? entries.toSorted((a, b) => compare(a.key, b.key)) : entries
    return {
      title,
      note: state.top.window > 0 ? `last ${elapsed(state.top.window)}` : '',
      rows: sorted.map(({ key, rate: perSecond }) => [rate(perSecond).padStart(8), key]),
      none: 'none',
    }
  }

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const names = topList('names', ({ top }) => top.names)
export const nxdomain = topList('NXDOMAIN', ({ top }) => top.nxdomain)
export const servfail = topList('SERVFAIL', ({ top }) => top.servfail)
export const clients = topList('clients', ({ top }) => top.clients)

/** Services whose names have pod addresses, with no ready pod. A split has the endpoints of its backends. */
export const withoutEndpoint: MakeSection = ({ services: { list, total }, splits }, order) => {
  const split = new Set(splits.map(({ namespace, name }) => `${namespace}/${name}`))
  const empty = list.filter(
    ({ namespace, name, ready, type }) => ready === 0 && type !== 'ExternalName' && !split.has(`${namespace}/${name}`),
  )
  const rows = empty.map(({ namespace, name, type, notReady, terminating }) => [
    `${namespace}/${name}`,
    type,
    [
      notReady > 0 ? `${notReady} not ready` : '',
      terminating > 0 ? `${terminating} terminating` : '',
      notReady + terminating === 0 ? 'no endpoints' : '',
    ]
      .filter(Boolean)
      .join(', '),
  ])
  return {
    title: 'services without a ready endpoint',
    note: `${empty.length} of ${total}`,
    rows: order === 'name' ? rows.toSorted((a, b) => compare(a[0], b[0])) : rows,
    none: 'none',
  }
}

export const services: MakeSection = ({ services: { list, more, total } }, order) => ({
  title: 'services',
  note: String(total),
  rows: (order === 'name'
    ? list.toSorted((a, b) => compare(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`))
    : list
  ).map(({ namespace, name, type, ready, notReady, terminating, ttl, ttlState, problems }) => [
    `${namespace}/${name}`,
    type,
    `${ready} ready`,
    notReady > 0 ? `${notReady} not ready` : '',
    terminating > 0 ? `${terminating} terminating` : '',
    `ttl ${ttl}${ttlState ? ` ${ttlState.state}${ttlState.left === undefined ? '' : ` ${elapsed(ttlState.left)}`}` : ''}`,
    problems > 0 ? `${problems} ignored` : '',
  ]),
  more,
  none: 'none',
})

export const upstreams: MakeSection = ({ upstreams: list }, order) => ({
  title: 'upstreams',
  rows: (order === 'name'
    ? list.toSorted((a, b) => compare(a.to, b.to))
    : list.toSorted((a, b) => b.rate - a.rate)
  ).map(({ plugin, from, to, healthy, fails, latency, rate: perSecond, underWay }) => [
    to,
    `${plugin} ${from}`,
    healthy ? 'up' : `DOWN, ${fails} failed`,
    latency === undefined ? '' : duration(latency),
    rate(perSecond),
    underWay > 0 ? `${underWay} under way` : '',
  ]),
  none: 'none',
})

export const cache: MakeSection = ({ cache: blocks }) => ({
  title: 'cache',
  rows: blocks.map(({ block, success, denial, capacity, hits, misses, evictions }) => [
    block,
    `${success} answers, ${denial} denials of ${capacity}`,
    `hits ${rate(hits)}`,
    `misses ${rate(misses)}`,
    `evictions ${rate(evictions)}`,
  ]),
  none: 'none',
})

export const splits: MakeSection = ({ splits: list }) => ({
  title: 'splits',
  rows: list.flatMap(({ namespace, name, backends }) =>
    backends.map((backend, index) => [
      index === 0 ? `${namespace}/${name}` : '',
      backend.name,
      `configured ${percent(backend.share)}`,
      `served ${percent(backend.served)}`,
      `${backend.ready} ready`,
    ]),
  ),
  none: 'none',
})

export const holds: MakeSection = ({ holds: { waiting, list } }) => ({
  title: 'held queries',
  note: String(waiting),
  rows: list.map(({ name, left, client }) => [name, `${duration(left)} left`, client ?? '']),
  more: waiting - list.length,
  none: 'none',
})

export const problems: MakeSection = ({ problems: list }) => ({
  title: 'annotations that are ignored',
  rows: list.map(({ kind, namespace, name, key, reason }) => [
    `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`,
    key,
    reason,
  ]),
  none: 'none',
})

export const changes: MakeSection = ({ changes: list, time }, order) => ({
  title: 'changes of answers',
  rows: (order === 'name' ? list.toSorted((a, b) => compare(a.name, b.name)) : list).map(
    ({ time: at, name, type, before, after, object }) => [
      lasting(at, time),
      `${name} ${type}`,
      [
        ...missing(after, before).map((record) => `-${record}`),
        ...missing(before, after).map((record) => `+${record}`),
      ].join(' '),
      object,
    ],
  ),
  none: 'none yet',
})

const missing = (from: readonly string[], of: readonly string[]): string[] => of.filter((text) => !from.includes(text))
