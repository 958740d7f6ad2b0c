/** A process that does not get to run: a frozen container, a spent CPU quota, a busy machine. Here it is stopped by a signal. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { describe, type TestContext, test } from 'node:test'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type Arrived, answering, silent, startUpstream } from '../support/upstream.ts'
import { plainQuery } from './datagrams.ts'
import { clusterOnly, metric, startVictim, type WayOfUdp } from './victim.ts'

/** Milliseconds. An upstream that is silent for half of it is suspected. */
const readTimeout = 1000
const queries = 20

const ways: readonly { readonly what: string; readonly way: WayOfUdp; readonly options: string }[] = [
  { what: 'by the relay', way: 'threads', options: '' },
  { what: 'by the chain, over UDP', way: 'threads', options: 'failover NXDOMAIN' },
  { what: 'by the chain, over TCP', way: 'threads', options: 'force_tcp' },
  { what: 'by the chain, over UDP by node:dgram', way: 'dgram', options: '' },
]

describe('a server that did not get to run', () => {
  for (const { what, way, options } of ways)
    test(`a server that was stopped passes on what its upstream answered, and does not suspect it, ${what}`, async (t) => {
      const upstream = await startUpstream()
      t.after(() => upstream.close())
      const body = `forward . ${upstream.to} {\n read_timeout ${readTimeout}ms\n ${options}\n}`
      const server = await startVictim(way, { corefile: clusterOnly(body) })
      t.after(() => server.stop('SIGKILL'))
      const client = await openClient(t, server)
      let wasInTime = false
      for (let round = 0; !wasInTime; round++) {
        const { arrived, checks } = upstream
        arrived.length = 0
        const handedOver = await metric(server, 'slicedns_relay_handed_over_total')
        upstream.script = silent
        const askedAt = performance.now()
        client.ask(round)
        await until(() => assert.equal(namesOf(arrived).size, queries), { every: 1 })
        await stop(server)
        // On a busy machine it may have asked again meanwhile, and rightly so: then once more.
        wasInTime = performance.now() - askedAt < readTimeout / 2
        upstream.script = answering()
        for (const each of [...arrived, ...checks]) answering()(each)
        await until(() => assert.ok(performance.now() - askedAt > 1.5 * readTimeout))
        if (wasInTime) checks.length = 0
        process.kill(server.pid, 'SIGCONT')
        await until(() => assert.equal(client.rcodes.size, queries))
        if (wasInTime) {
          assert.deepEqual(new Set(client.rcodes.values()), new Set([0]))
          assert.equal(await metric(server, 'slicedns_relay_handed_over_total'), handedOver)
        }
        client.rcodes.clear()
      }
      assert.equal(upstream.checks.length, 0)
    })
})

const namesOf = (asked: readonly Arrived[]): Set<string> => new Set(asked.map(({ query }) => query.questions[0].name))

/** Each name is asked once. */
async function openClient(t: TestContext, { ports }: RunningServer) {
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  socket.connect(ports.dns, '127.0.0.1')
  await once(socket, 'connect')
  /** By the ID. */
  const rcodes = new Map<number, number>()
  socket.on('message', (reply) => void rcodes.set(reply.readUInt16BE(0), reply[3]! & 15))
  return {
    rcodes,
    ask(round: number) {
      for (let id = 0; id < queries; id++) socket.send(plainQuery(round * queries + id, `n${id}.r${round}.example`, 1))
    },
  }
}

async function stop({ pid }: RunningServer): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await until(() => assert.match(readFileSync(`/proc/${pid}/stat`, 'latin1'), /\) T /), { every: 1 })
}
