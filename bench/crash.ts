/**
 * Claim: a server that gets SIGKILL, at whatever moment of a write of its snapshot, answers from it within 2 s of its next start while
 * the API server is away, and every answer is right. With a small cluster (1,000 services) and a large one (8,000).
 */
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, watch } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ApiServer, startApiServer } from '../test/support/api-server/index.ts'
import { firstAnswer } from '../test/support/first-answer.ts'
import { openClient } from '../test/support/judge/asker.ts'
import { until } from '../test/support/until.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { mebibytes, millis, percentile, table, thousands } from './lib/numbers.ts'
import {
  hostOf,
  isHeadless,
  namespaceNames,
  type Size,
  serviceObject,
  sliceObject,
  smallCluster,
} from './lib/objects.ts'
import { peakMemory } from './lib/process.ts'
import { installed, type Server, startServer, untilReady } from './lib/servers.ts'

const largeCluster: Size = { services: 8000, endpoints: 144_000 }
const rounds = 9
/** Milliseconds after which a start counts as failed. */
const patience = 10_000
/** Milliseconds from the beginning of a write to the kill, at most: a write of the large cluster takes about 300. */
const longestWrite = 400
/** Milliseconds between two queries for the first answer. */
const pace = 5
/** Names that are asked for after each start. */
const sample = 100

interface Start {
  /** Milliseconds from the start of the process. */
  readonly answered: number
  readonly ready: number
  readonly memory: number
  /** Replies before the first answer: SERVFAIL. */
  readonly empty: number
  readonly wrong: number
  /** The process was killed while it wrote. */
  readonly inWrite: boolean
}

export async function run({ print }: Context): Promise<void> {
  const rows: string[][] = []
  for (const size of [smallCluster, largeCluster]) {
    const api = await fill(size)
    try {
      const starts = await killAgainAndAgain(api, size)
      rows.push(row(size, 'slicedns', starts))
      if (installed('coredns')) rows.push(await coreDns(api, size))
    } finally {
      await api.stop()
    }
  }
  print(
    `SIGKILL, half of the times while a snapshot is written; the API server goes away; milliseconds from the next start`,
  )
  print(`${sample} names asked for after each start`)
  print(
    table(
      [
        'services',
        'endpoints',
        'server',
        'starts',
        'in a write',
        'answer ms',
        'max',
        'ready ms',
        'max',
        'SERVFAIL',
        'wrong',
        'MiB',
      ],
      rows,
    ),
  )
}

function row({ services, endpoints }: Size, name: string, starts: readonly Start[]): string[] {
  const figures = (of: 'answered' | 'ready') => {
    const values = starts.map((start) => start[of])
    return [millis(percentile(values, 0.5)), millis(Math.max(...values))]
  }
  const sum = (of: 'empty' | 'wrong') => thousands(starts.reduce((total, start) => total + start[of], 0))
  return [
    thousands(services),
    thousands(endpoints),
    name,
    String(starts.length),
    String(starts.filter(({ inWrite }) => inWrite).length),
    ...figures('answered'),
    ...figures('ready'),
    sum('empty'),
    sum('wrong'),
    mebibytes(Math.max(...starts.map(({ memory }) => memory))),
  ]
}

/** The test API server: it is there and away at once. */
async function fill(size: Size): Promise<ApiServer> {
  const api = await startApiServer()
  for (const name of namespaceNames()) api.put({ kind: 'Namespace', metadata: { name } })
  for (let at = 0; at < size.services; at++)
    api.put(serviceWithAddress(at), { kind: 'EndpointSlice', ...sliceObject(at, size) })
  return api
}

const addressOf = (at: number): string => `10.96.${at >> 8}.${at & 255}`

function serviceWithAddress(at: number) {
  const { metadata, spec } = serviceObject(at) as { metadata: object; spec: object }
  const clusterIP = isHeadless(at) ? 'None' : addressOf(at)
  return { kind: 'Service', metadata, spec: { ...spec, clusterIP, clusterIPs: [clusterIP] } }
}

async function killAgainAndAgain(api: ApiServer, size: Size): Promise<Start[]> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-crash-'))
  const snapshot = join(folder, 'snapshot')
  const corefile = kubeadmCorefile({
    kubeconfig: api.kubeconfig(),
    upstream: '127.0.0.1:9',
    kubernetes: `snapshot ${snapshot}`,
  })
  const starts: Start[] = []
  let server = await startServer('slicedns threads', { corefile })
  try {
    await untilReady(server)
    await until(() => {
      if (!existsSync(snapshot)) throw new Error('there is no snapshot yet')
    })
    for (let round = 0; round < rounds; round++) {
      // Those that were killed in their writes have left their drafts.
      const drafts = readdirSync(folder).length
      const watcher = watch(folder)
      const beginOfWrite = once(watcher, 'change')
      api.put({
        kind: 'Service',
        metadata: { namespace: 'team-0', name: `new-${round}` },
        spec: { clusterIP: '10.96.255.1' },
      })
      if (round % 2 === 0) await beginOfWrite
      await delay(Math.random() * (round % 2 === 0 ? (longestWrite * size.services) / largeCluster.services : 2000))
      watcher.close()
      await kill(server)
      const inWrite = readdirSync(folder).length > drafts
      api.kill()
      const begin = performance.now()
      server = await startServer('slicedns threads', { corefile })
      starts.push({ ...(await back(server, begin, size)), inWrite })
      await api.restart()
      await until(() => hasRead(server), { every: 100 })
    }
    return starts
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function kill(server: Server): Promise<void> {
  process.kill(server.pid, 'SIGKILL')
  await server.stop()
}

async function back(server: Server, begin: number, size: Size): Promise<Omit<Start, 'inWrite'>> {
  let empty = 0
  const ready = untilReady(server).then(() => performance.now() - begin)
  const host = hostOf(size.services - 2)
  const at = await firstAnswer(server.ports.dns, host, begin + patience, pace, { onEmpty: () => empty++ })
  if (at === undefined) throw new Error(`no answer from the snapshot:\n${server.output()}`)
  const memory = peakMemory(server.pid)
  return { answered: at - begin, ready: await ready, memory, empty, wrong: await wrongOf(server, size) }
}

/** Of names that have not changed since. */
async function wrongOf({ ports }: Server, { services, endpoints }: Size): Promise<number> {
  const client = await openClient(ports.dns)
  let wrong = 0
  for (let asked = 0; asked < sample; asked++) {
    const at = Math.floor(Math.random() * services)
    const reply = await client.exchange(`${hostOf(at)} A`)
    const count = Math.floor(((at + 1) * endpoints) / services) - Math.floor((at * endpoints) / services)
    const right = isHeadless(at)
      ? reply?.answer.length === count
      : reply?.answer.length === 1 && reply.answer[0]?.endsWith(addressOf(at))
    if (!right) wrong++
  }
  client.close()
  return wrong
}

/** The API server's list has taken the snapshot's place. */
async function hasRead({ ports }: Server): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${ports.metrics}/metrics`)
  if (/^slicedns_snapshot_age_seconds \d/m.test(await response.text())) throw new Error('the snapshot is still in use')
}

/** One start, which has nothing to answer from. */
async function coreDns(api: ApiServer, { services, endpoints }: Size): Promise<string[]> {
  const corefile = kubeadmCorefile({ kubeconfig: api.kubeconfig(), upstream: '127.0.0.1:9' })
  api.kill()
  const begin = performance.now()
  const server = await startServer('coredns', { corefile })
  let empty = 0
  try {
    const host = hostOf(services - 2)
    const at = await firstAnswer(server.ports.dns, host, begin + patience, pace, { onEmpty: () => empty++ })
    const answered = at === undefined ? `none in ${patience}` : millis(at - begin)
    return [
      thousands(services),
      thousands(endpoints),
      'coredns',
      '1',
      '',
      answered,
      '',
      'not',
      '',
      thousands(empty),
      '',
      '',
    ]
  } finally {
    await server.stop()
    await api.restart()
  }
}
