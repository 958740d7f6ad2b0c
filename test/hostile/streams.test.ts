import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { parseMessage } from '../../src/dns/wire.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import { limitsFor } from '../../src/transport/limits.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { nameOctets, plainQuery } from './datagrams.ts'
import { askDnspython, withoutDnspython } from './dnspython.ts'
import { startUpstreams } from './garbage-upstream.ts'
import { createRandom, seed } from './random.ts'
import { abusers, frame, open, readAll } from './streams.ts'
import { assertUnharmed, everyKindOfName, metric, openDescriptors, startVictim } from './victim.ts'

/** HOSTILE_STREAMS=10000 is the full run. */
const volume = Number(process.env.HOSTILE_STREAMS ?? 1500)
const atATime = 40

const good = 'gateway.inference.svc.cluster.local'
const names = [good, 'llm.inference.svc.cluster.local', 'nothing.here', '10-1-2-3.inference.pod.cluster.local', '.']

describe(`TCP streams (HOSTILE_SEED=${seed})`, () => {
  let upstreams: Awaited<ReturnType<typeof startUpstreams>>
  let server: RunningServer
  let pid: number
  let descriptors: number
  before(async () => {
    upstreams = await startUpstreams(seed)
    server = await startVictim('threads', { corefile: everyKindOfName(upstreams) })
    pid = server.pid
    await answersTcp('127.0.0.1')
    descriptors = openDescriptors(server)
  })
  after(async () => {
    await server?.stop('SIGKILL')
    await upstreams?.close()
  })

  async function answersTcp(from: string): Promise<void> {
    const socket = await open(server.ports.dns, from)
    const replies: Buffer[] = []
    const closed = readAll(socket, (reply) => void replies.push(reply))
    socket.end(frame(plainQuery(7, good, 1)))
    await closed
    assert.deepEqual(
      replies.map((reply) => [parseMessage(reply).id, parseMessage(reply).answer.length]),
      [[7, 1]],
    )
  }

  async function answersUdp(): Promise<void> {
    assert.deepEqual((await server.dig(good, 'A')).answer, [`${good}. 5 IN A 10.96.12.20`])
  }

  /** Connections that are over leave nothing behind. */
  async function assertNoLeak(): Promise<void> {
    await until(async () => assert.equal(await metric(server, 'slicedns_tcp_connections'), 0))
    await until(() =>
      assert.ok(openDescriptors(server) <= descriptors + 2, `${openDescriptors(server)}, ${descriptors} before`),
    )
    await assertUnharmed(server, pid)
  }

  test(`${volume} malformed ones harm nobody: messages among them get their replies, others are served`, async (t) => {
    const random = createRandom(seed)
    const second = withoutDnspython === false ? askDnspython() : undefined
    t.after(() => second?.kill())
    const abuse = {
      port: server.ports.dns,
      random,
      names: names.map(nameOctets),
      good,
      onReply(reply: Buffer) {
        const { response } = parseMessage(reply)
        assert.ok(response)
        if (random.chance(0.05)) second?.look(Buffer.from(reply))
      },
    }
    const kinds = Object.entries(abusers)
    let memory = 0
    for (let done = 0; done < volume; done += atATime) {
      const some = Array.from({ length: atATime }, (_, i) => kinds[(done + i) % kinds.length]!)
      await Promise.all(
        some.map(([kind, abuser]) =>
          abuser(abuse).catch((error) => {
            throw new Error(`${kind}: ${error.message}`)
          }),
        ),
      )
      if (done % (10 * atATime) === 0) await Promise.all([answersTcp('127.0.0.1'), answersUdp()])
      if (memory === 0 && done > volume / 10) memory = server.residentMemory()
    }
    if (second) {
      const { seen, failures } = await second.finish()
      t.diagnostic(`${seen} replies shown to dnspython`)
      assert.deepEqual(failures, [])
    } else t.diagnostic(String(withoutDnspython))
    await assertNoLeak()
    const grown = server.residentMemory() - memory
    t.diagnostic(`resident memory ${memory.toFixed(0)} MiB, ${grown.toFixed(0)} MiB more at the end`)
    assert.ok(grown < 64)
  })

  test('clients that ask without end and take no replies are cut off, and memory with them', async (t) => {
    const queries = Buffer.concat(
      Array.from({ length: 2000 }, (_, id) => frame(plainQuery(id, 'llm.inference.svc.cluster.local', 33))),
    )
    const memory = server.residentMemory()
    const deaf = await Promise.all(Array.from({ length: 50 }, () => open(server.ports.dns)))
    const closed = deaf.map(closedByServer)
    for (const socket of deaf) {
      socket.pause()
      const more = () => {
        while (socket.write(queries));
      }
      socket.on('drain', more)
      more()
    }
    await Promise.all([...closed, answersTcp('127.0.0.2'), answersUdp()])
    const grown = server.residentMemory() - memory
    t.diagnostic(`${grown.toFixed(0)} MiB more while they were there`)
    assert.ok(grown < 96)
    await assertNoLeak()
  })

  test('clients that say nothing, a little, or a little now and then are sent away; others are served', async () => {
    const octets = frame(plainQuery(1, good, 1))
    const slow = await Promise.all(Array.from({ length: 300 }, () => open(server.ports.dns)))
    const closed = slow.map(closedByServer)
    const timers = slow.map((socket, i) => {
      let at = i % 3 === 0 ? octets.length : 0
      if (i % 3 === 1) at = octets.length - 1
      socket.write(octets.subarray(0, i % 3 === 0 ? 0 : 2))
      // The third kind: an octet a second, of a message that takes a minute.
      return setInterval(() => at < octets.length - 1 && socket.write(octets.subarray(at, ++at)), 1000)
    })
    await Promise.all([answersTcp('127.0.0.1'), answersUdp()])
    await Promise.all(closed)
    timers.forEach(clearInterval)
    await assertNoLeak()
  })

  test('a flood of connections from one client ends at its bound; another client is served meanwhile', async (t) => {
    const bound = limitsFor(readProcessLimits()).tcpConnectionsPerClient
    const name = 'slicedns_tcp_evicted_connections_total'
    const evictedBefore = await metric(server, name)
    const sockets: Socket[] = []
    t.after(() => sockets.forEach((socket) => void socket.destroy()))
    for (let opened = 0; opened < bound + 200; opened += 100)
      sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => open(server.ports.dns, '127.0.0.3')))))
    const closed = sockets.map(closedByServer)
    await until(async () => assert.ok((await metric(server, name)) - evictedBefore >= 200))
    assert.ok((await metric(server, 'slicedns_tcp_connections')) <= bound)
    await Promise.all([answersTcp('127.0.0.4'), answersUdp()])
    // Those that stayed never ask, and are sent away too.
    await Promise.all(closed)
    await assertNoLeak()
    await answersTcp('127.0.0.3')
  })
})

/** Resolves when the server has ended the connection, in whichever way. */
function closedByServer(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      socket.destroy()
      resolve()
    }
    if (socket.readableEnded || socket.destroyed) return end()
    socket.on('end', end)
    socket.on('close', end)
    socket.resume()
  })
}
