/**
 * Encrypted listeners that are crowded by clients which say nothing, are slow, or do not finish their handshake: others get in, and
 * the pod's memory holds. SLICEDNS_IDLE_CLIENTS=10000 and SLICEDNS_SLOW_CLIENTS=100 make it as large as people fear.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { after, describe, it } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { parseMessage } from '../../src/dns/wire.ts'
import { podMemory } from '../attacks/arena.ts'
import { createMemoryCgroup } from '../attacks/memory-cgroup.ts'
import { certificateFolder } from '../support/certificates.ts'
import { unmet } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { question } from '../support/question.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { streamClient, type Way, ways } from '../support/stream-clients.ts'
import { until } from '../support/until.ts'

const idle = Number(process.env.SLICEDNS_IDLE_CLIENTS ?? 200)
const slow = Number(process.env.SLICEDNS_SLOW_CLIENTS ?? 10)
/** Clients that go on connecting at a time. */
const atATime = 20

const certificates = certificateFolder()
after(certificates.remove)
certificates.issue('server')
const tls = `tls ${certificates.path}/server.pem ${certificates.path}/server.key`

const attacker = (i: number) => `127.0.1.${1 + (i % 8)}`
const asked: readonly Way[] = ['tls', 'https by HTTP/2, POST', 'https by HTTP/1.1, GET', 'grpc']

const cgroup = createMemoryCgroup(podMemory)
const skip =
  'refused' in cgroup ? unmet(`needs a memory cgroup, as root may make one (${cgroup.refused})`) : (false as const)
after(() => until(() => 'remove' in cgroup && cgroup.remove()))

/** Has come as far as it will: opened, or closed by the server. */
async function settled(socket: Socket, opened: string): Promise<void> {
  socket.on('error', () => undefined)
  await Promise.race([once(socket, opened), once(socket, 'close')]).catch(() => undefined)
}

async function crowd(port: number, application: string): Promise<Socket[]> {
  const sockets: Socket[] = []
  const open = async (i: number): Promise<void> => {
    const tcp = connectTcp({ host: '127.0.0.1', port, localAddress: attacker(i) })
    sockets.push(tcp)
    await settled(tcp, 'connect')
    // Every fourth says nothing at all; others are idle behind their handshake.
    if (i % 4 === 0 || tcp.destroyed) return
    const socket = connectTls({ socket: tcp, ca: certificates.authority.cert, ALPNProtocols: [application] })
    sockets.push(socket)
    await settled(socket, 'secureConnect')
  }
  let next = 0
  const openSome = async (): Promise<void> => {
    while (next < idle) await open(next++)
  }
  await Promise.all(Array.from({ length: atATime }, openSome))
  return sockets
}

/** Send the beginning of a handshake, octet by octet, for as long as they are let. */
function crawl(port: number): { readonly sockets: readonly Socket[]; stop(): void } {
  const hello = Buffer.from('160301020001000000fc0303', 'hex')
  const sockets = Array.from({ length: slow }, (_, i) => {
    const socket = connectTcp({ host: '127.0.0.1', port, localAddress: attacker(i) })
    socket.on('error', () => undefined)
    return socket
  })
  let at = 0
  const timer = setInterval(() => {
    const octet = hello.subarray(at % hello.length, (at % hello.length) + 1)
    at++
    for (const socket of sockets) if (socket.writable) socket.write(octet)
  }, 100)
  return { sockets, stop: () => clearInterval(timer) }
}

/** New connections of clients that the server does not know, one after the other. */
async function newcomers(way: Way, port: number): Promise<void> {
  for (let i = 0; i < 10; i++) {
    const client = streamClient(way, { port, ca: certificates.authority.cert, from: `127.0.2.${1 + i}` })
    const reply = parseMessage(await client.ask(Buffer.from(question('a.example A', i))))
    assert.deepEqual([reply.id, reply.answer.length], [i, 1])
    client.close()
  }
}

async function plainDnsGetsNothing(port: number): Promise<void> {
  const message = Buffer.from(question('a.example A', 1))
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress: '127.0.3.1' })
  let octets = 0
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    octets += chunk.length
  })
  socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]))
  await once(socket, 'close')
  // An alert at most (RFC 8446 §6): no DNS message is as short.
  assert.ok(octets < 12, `${octets} octets`)
}

const evicted = async (server: RunningServer): Promise<number> => {
  const { body } = await server.http('metrics', '/metrics')
  return Number(/^slicedns_tcp_evicted_connections_total{reason="connections"} (\d+)/m.exec(body)?.[1])
}

describe('crowded encrypted listeners', { skip }, () => {
  it(`a newcomer is answered beside ${idle} idle and ${slow} slow clients of each, in 170 MiB`, async (t) => {
    const ports = new Map<string, number>()
    for (const scheme of ['tls', 'https', 'grpc']) ports.set(scheme, await freePort())
    const server = await startServer({
      under: 'under' in cgroup ? cgroup.under : [],
      corefile: ({ dns, metrics }) =>
        [`.:${dns}`, ...[...ports].map(([scheme, port]) => `${scheme}://.:${port}`)]
          // A machine that is busy may take more than the usual 3 s for a handshake.
          .map(
            (key) =>
              `${key} {\n  ${tls}\n  timeouts {\n    read 60s\n  }\n  prometheus 127.0.0.1:${metrics}\n  hosts {\n    192.0.2.1 a.example\n  }\n}\n`,
          )
          .join(''),
    })
    try {
      for (const way of asked) {
        const port = ports.get(ways[way])!
        const crawling = crawl(port)
        const crowding = crowd(port, way === 'https by HTTP/1.1, GET' ? 'http/1.1' : 'h2')
        await newcomers(way, port)
        const sockets = [...(await crowding), ...crawling.sockets]
        await newcomers(way, port)
        await plainDnsGetsNothing(port)
        t.diagnostic(`${way}: ${server.residentMemory()} MiB, ${await evicted(server)} connections evicted`)
        crawling.stop()
        for (const socket of sockets) socket.destroy()
      }
      assert.ok((await evicted(server)) > 0, 'there were fewer clients than places')
      assert.equal('kills' in cgroup && cgroup.kills(), 0)
      const { code } = await server.stop()
      assert.equal(code, 0, server.output())
    } finally {
      await server.stop('SIGKILL')
    }
  })
})
