/**
 * Claim: under full load, with a change of the cluster every few milliseconds and outside names, memory stays flat, latency
 * does not drift, and nothing is lost that the kernel did not drop. `--minutes M`, default 10; a line for each minute.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { endpoint, service, slice } from '../test/attacks/objects.ts'
import { settle } from '../test/attacks/overload.ts'
import { type ApiServer, startApiServer } from '../test/support/api-server/index.ts'
import { type LoadCounts, startLoad } from '../test/support/load/index.ts'
import { startLoadUpstream } from '../test/support/load/upstream.ts'
import { startServer } from '../test/support/server.ts'
import type { Context } from './lib/context.ts'
import { kubeadmCorefile } from './lib/corefile.ts'
import { millis, table, thousands } from './lib/numbers.ts'
import { residentMemory, serverCore, serverPriority } from './lib/process.ts'

const services = 1000
const changesPerSecond = 200
const clusterPerSecond = 50_000
const outsidePerSecond = 10_000

const nameOf = (at: number): string => `s${at}`
const addressOf = (at: number): string => `10.96.${at >> 8}.${at & 255}`

export async function run({ minutes, print }: Context): Promise<void> {
  const api = await startApiServer({ protobuf: true })
  api.put({ kind: 'Namespace', metadata: { name: 'shop' } })
  for (let at = 0; at < services; at++)
    api.put(service('shop', nameOf(at), { clusterIP: addressOf(at) }), sliceOf(at, 0))
  const upstream = await startLoadUpstream({ records: 4 })
  const server = await startServer({
    corefile: kubeadmCorefile({ kubeconfig: `${api.kubeconfig()} test`, upstream: upstream.to }),
    under: ['taskset', '-c', serverCore, ...serverPriority],
    waitFor: 'ready',
  })
  const port = server.ports.dns
  const names = Array.from({ length: services }, (_, at) => `_http._tcp.${nameOf(at)}.shop.svc.cluster.local`)
  try {
    const cluster = await startLoad({
      port,
      from: '127.0.0.3',
      perSecond: clusterPerSecond,
      type: 'SRV',
      ask: { names },
    })
    const outside = await startLoad({
      port,
      from: '127.0.0.4',
      perSecond: outsidePerSecond,
      type: 'A',
      ask: { below: 'example' },
    })
    const changing = changeAll(api)
    const rows: string[][] = []
    const resident: number[] = []
    let before: readonly LoadCounts[] = [cluster.counts(), outside.counts()]
    for (let minute = 1; minute <= minutes; minute++) {
      cluster.forget()
      await delay(60_000)
      const counts = [cluster.counts(), outside.counts()]
      resident.push(residentMemory(server.pid))
      const [inside, out] = counts.map((now, i) => ({
        sent: now.sent - before[i].sent,
        answered: now.answered - before[i].answered,
        servfail: now.servfail - before[i].servfail,
      }))
      rows.push([
        String(minute),
        resident.at(-1)!.toFixed(1),
        ...[
          inside.sent,
          inside.sent - inside.answered,
          out.sent,
          out.servfail,
          out.sent - out.answered - out.servfail,
        ].map(thousands),
        ...[0.5, 0.99, 0.999].map((part) => millis(counts[0].latency(part))),
      ])
      before = counts
      console.log(rows.at(-1)!.join('  '))
    }
    const changes = changing.stop()
    await outside.stop()
    const { sent, answered, read: seen } = await settle(server, cluster)
    print(
      table(
        [
          'minute',
          'MiB',
          'cluster asked',
          'not answered',
          'outside asked',
          'SERVFAIL',
          'no reply',
          'p50 ms',
          'p99 ms',
          'p99.9 ms',
        ],
        rows,
      ),
    )
    print(
      `${thousands(changes)} changes; of ${thousands(sent)} queries for cluster names the kernel dropped ${thousands(sent - seen)}, ` +
        `the server left ${thousands(seen - answered)} unanswered; ${growth(resident)}`,
    )
  } finally {
    await server.stop('SIGKILL')
    await upstream.stop()
    await api.stop()
  }
}

/** An endpoint of a service comes or goes, of one service after the other. */
function changeAll(api: ApiServer): { stop(): number } {
  let changes = 0
  const began = performance.now()
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * changesPerSecond
    for (; changes < due; changes++) api.put(sliceOf(changes % services, Math.floor(changes / services)))
  }, 5)
  return {
    stop() {
      clearInterval(timer)
      return changes
    },
  }
}

const sliceOf = (at: number, round: number) =>
  slice('shop', nameOf(at), {
    endpoints: Array.from({ length: 4 }, (_, i) => endpoint(4 * at + i, i > 0 || round % 2 === 0)),
  })

/** The first two minutes are warm-up. */
function growth(resident: readonly number[]): string {
  if (resident.length < 4) return 'too short for a slope of memory'
  return `memory grows by ${slope(resident.slice(2)).toFixed(3)} MiB a minute from the third on`
}

/** MiB a minute, by least squares. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  let above = 0
  let below = 0
  values.forEach((value, at) => {
    above += (at - middle) * (value - mean)
    below += (at - middle) ** 2
  })
  return above / below
}
