/** What the relay does with its exchanges: ports, sharing, late and lost answers, forgers, bounds, reloads. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { rcode, type } from '../../../src/dns/codes.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'
import { freePort } from '../../support/ports.ts'
import { until } from '../../support/until.ts'
import { type Arrived, answering, type ScriptedUpstream, silent, startUpstream } from '../../support/upstream.ts'
import { ask, queryOf, startRelaying, untilRelaying } from './support.ts'

const address = (reply: Uint8Array): string =>
  parseMessage(reply)
    .answer.map(({ rdata }) => rdata.join('.'))
    .join()
const code = (reply: Uint8Array): number => parseMessage(reply).rcode

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

describe('the exchanges of the relay', () => {
  let upstream: ScriptedUpstream
  let server: LoopbackServer
  const corefile =
    (options = '') =>
    (port: number) =>
      `.:${port} {\nbind 127.0.0.1\nforward . ${upstream.to} {\n${options}\n}\n}\n`

  before(async () => {
    upstream = await startUpstream(answering())
    server = await startRelaying(corefile())
  })
  after(async () => {
    await server.stop()
    await upstream.close()
  })

  it('600 of them leave from 256 ports and more, with as many IDs as can be expected', async () => {
    upstream.script = answering()
    upstream.arrived.length = 0
    for (let i = 0; i < 600; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, k) => ask(server.port, queryOf(`p${i + k}.example.`, type.A))))
    const ports = new Set(upstream.arrived.map(({ port }) => port))
    const ids = new Set(upstream.arrived.map(({ query }) => query.id))
    assert.equal(upstream.arrived.length, 600)
    assert.ok(ports.size >= 256, `${ports.size} ports`)
    assert.ok(ids.size >= 580, `${ids.size} IDs`)
  })

  it('equal questions of many clients share one, and each gets its own ID and size', async () => {
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const query = queryOf('shared.example.', type.A)
    const replies = Array.from({ length: 40 }, (_, i) => {
      const own = query.slice()
      own[0] = i
      return ask(server.port, own)
    })
    const shared = await server.metric('slicedns_relay_shared_total')
    await until(async () => {
      assert.ok((await server.metric('slicedns_relay_shared_total')) - shared >= 0 && held.length >= 1)
    })
    await until(async () => assert.equal(await server.metric('slicedns_relay_shared_total'), shared + 39))
    answering('192.0.2.7')(held[0])
    const all = await Promise.all(replies)
    assert.equal(held.length, 1)
    assert.deepEqual(new Set(all.map(address)), new Set(['192.0.2.7']))
    assert.deepEqual(
      all.map((reply) => reply[0]),
      Array.from({ length: 40 }, (_, i) => i),
    )
  })

  it('the chain gets what more than 256 clients ask at a time, and everybody has an answer', async () => {
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const shared = await server.metric('slicedns_relay_shared_total')
    const full = await server.metric('slicedns_relay_full_total')
    const query = queryOf('popular.example.', type.A)
    const replies = Array.from({ length: 300 }, () => ask(server.port, query))
    await until(async () => assert.equal(await server.metric('slicedns_relay_full_total'), full + 300 - 1 - 256))
    assert.equal(await server.metric('slicedns_relay_shared_total'), shared + 256)
    upstream.script = answering('192.0.2.7')
    for (const arrived of held) answering('192.0.2.7')(arrived)
    const all = await Promise.all(replies)
    assert.deepEqual(new Set(all.map(code)), new Set([rcode.NOERROR]))
    assert.deepEqual(new Set(all.map(address)), new Set(['192.0.2.7']))
  })

  it('questions with cookies share no exchange, but of one name eight are asked by a thread and eight by the chain', async () => {
    upstream.script = answering()
    await server.load(corefile('read_timeout 30s')(server.port))
    await untilRelaying(server)
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const replies = Array.from({ length: 40 }, (_, i) => {
      const options = [{ code: 10, data: new Uint8Array(8).fill(i) }]
      const edns = { version: 0, payloadSize: 1232, dnssecOk: false, extendedRcode: 0, options }
      return ask(server.port, queryOf('cookies.example.', type.A, { edns }))
    })
    await until(() => assert.equal(held.length, 16))
    assert.equal(new Set(held.map(({ query }) => query.edns?.options[0].data[0])).size, 16)
    upstream.script = answering('192.0.2.7')
    for (const arrived of held) answering('192.0.2.7')(arrived)
    assert.deepEqual(new Set((await Promise.all(replies)).map(address)), new Set(['192.0.2.7']))
    await server.load(corefile()(server.port))
    await untilRelaying(server)
  })

  it('an answer with another ID, question or sender is not taken, and the wait goes on', async () => {
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const reply = ask(server.port, queryOf('forged.example.', type.A))
    await until(() => assert.equal(held.length, 1))
    const [{ query, port, send }] = held
    const forged = (id: number, name: string) => {
      const record = parseRecord(`${name} 60 IN A 203.0.113.66`)
      const message = replyTo({ ...query, id, questions: [{ ...query.questions[0], name }] }, { answer: [record] })
      return encodeMessage(message, { limit: 0xffff })
    }
    const strays = await server.metric('slicedns_relay_strays_total')
    send(forged(query.id ^ 1, 'forged.example.'))
    send(forged(query.id, 'other.example.'))
    send(Uint8Array.of(1, 2, 3))
    const elsewhere = createSocket('udp4')
    elsewhere.send(forged(query.id, 'forged.example.'), port, '127.0.0.1')
    // The kernel drops what the last one sends: the socket is connected.
    await until(async () => assert.equal(await server.metric('slicedns_relay_strays_total'), strays + 3))
    answering('192.0.2.8')(held[0])
    assert.equal(address(await reply), '192.0.2.8')
    elsewhere.close()
  })

  it('an answer that is late reaches the client through the chain, and its port is not used again', async () => {
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const handedOver = await server.metric('slicedns_relay_handed_over_total')
    const reply = ask(server.port, queryOf('late.example.', type.A))
    await until(async () => assert.equal(await server.metric('slicedns_relay_handed_over_total'), handedOver + 1))
    answering('192.0.2.9')(held[0])
    assert.equal(address(await reply), '192.0.2.9')
    // The path of a connected socket may lead to a backend that is gone. An unused one is closed after 10 s.
    const connection = `0100007F:${hex(held[0].port)} 0100007F:${hex(upstream.port)} `
    await until(() => assert.ok(!readFileSync('/proc/net/udp', 'latin1').includes(connection)), { within: 5000 })
  })

  it('a late answer to another question is not taken, and the wait goes on', async () => {
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const handedOver = await server.metric('slicedns_relay_handed_over_total')
    const strays = await server.metric('slicedns_relay_strays_total')
    const reply = ask(server.port, queryOf('late-forged.example.', type.A))
    await until(async () => assert.equal(await server.metric('slicedns_relay_handed_over_total'), handedOver + 1))
    const [{ query, send }] = held
    const questions = [{ ...query.questions[0], name: 'other.example.' }]
    send(encodeMessage(replyTo({ ...query, questions }, { answer: [] }), { limit: 0xffff }))
    await until(async () => assert.equal(await server.metric('slicedns_relay_strays_total'), strays + 1))
    answering('192.0.2.9')(held[0])
    assert.equal(address(await reply), '192.0.2.9')
  })

  it('a truncated answer is asked for over TCP', async () => {
    upstream.script = answering()
    await server.load(corefile('prefer_udp')(server.port))
    await untilRelaying(server)
    upstream.script = (arrived) => {
      if (arrived.via === 'udp') arrived.reply({}, { truncated: true })
      else answering('192.0.2.10')(arrived)
    }
    assert.equal(address(await ask(server.port, queryOf('cut.example.', type.A))), '192.0.2.10')
  })

  it('a question that has been handed over stays with the chain for a while', async () => {
    upstream.script = answering()
    await server.load(`.:${server.port} {\nbind 127.0.0.1\ncache 30\nforward . ${upstream.to}\n}\n`)
    await untilRelaying(server)
    upstream.script = ({ reply }) => reply({ rcode: rcode.SERVFAIL })
    upstream.arrived.length = 0
    for (let i = 0; i < 3; i++)
      assert.equal(code(await ask(server.port, queryOf('fails.example.', type.A))), rcode.SERVFAIL)
    assert.equal(upstream.arrived.length, 1)
  })

  it('max_concurrent counts those of the threads and those of the chain', async () => {
    upstream.script = answering()
    await server.load(corefile('max_concurrent 3')(server.port))
    await untilRelaying(server)
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const waiting = [0, 1, 2].map((i) => ask(server.port, queryOf(`c${i}.example.`, type.A)))
    await until(() => assert.equal(held.length, 3))
    assert.equal(code(await ask(server.port, queryOf('c3.example.', type.A))), rcode.REFUSED)
    for (const arrived of held) answering()(arrived)
    assert.deepEqual((await Promise.all(waiting)).map(code), [0, 0, 0])
  })

  it('a reload under way costs no query its answer', async () => {
    const held: Arrived[] = []
    upstream.script = (arrived) => void held.push(arrived)
    const reply = ask(server.port, queryOf('reload.example.', type.A))
    await until(() => assert.equal(held.length, 1))
    await server.load(corefile('max_fails 3')(server.port))
    upstream.script = answering('192.0.2.12')
    for (const arrived of held) answering('192.0.2.12')(arrived)
    assert.equal(address(await reply), '192.0.2.12')
  })

  it('a question that waits with the chain for a late answer is asked anew when a reload drops the upstream', async () => {
    const dropped = await startUpstream(answering())
    const silenced = await startUpstream(answering())
    // Nothing else would ask it anew: the chain gives the question up before.
    const options = 'policy sequential\nread_timeout 60s'
    await server.load(
      `.:${server.port} {\nbind 127.0.0.1\nforward . ${dropped.to} ${silenced.to} {\n${options}\n}\n}\n`,
    )
    await untilRelaying(server)
    dropped.arrived.length = 0
    silenced.arrived.length = 0
    dropped.script = silent
    silenced.script = silent
    const reply = ask(server.port, queryOf('dropped.example.', type.A))
    await until(() => assert.deepEqual([dropped.arrived.length, silenced.arrived.length], [1, 1]))
    dropped.script = answering('192.0.2.13')
    await server.load(corefile()(server.port))
    assert.equal(address(await reply), '192.0.2.13')
    await Promise.all([dropped.close(), silenced.close()])
  })
})

describe('the relay and upstreams that fail', () => {
  it('an upstream that is alone for some names and not for others is overtaken for these after its hedge delay', async () => {
    const held: Arrived[] = []
    const first = await startUpstream(answering())
    const second = await startUpstream(answering('192.0.2.2'))
    const server = await startRelaying(
      (port) =>
        `.:${port} {\nbind 127.0.0.1\nforward pair.example ${first.to} ${second.to} {\npolicy sequential\n}\n` +
        `forward . ${first.to} {\nread_timeout 60s\n}\n}\n`,
    )
    first.script = (arrived) => void held.push(arrived)
    const alone = ask(server.port, queryOf('alone.example.', type.A))
    await until(() => assert.equal(held.length, 1))
    // It would be the last to be handed over: after half a minute.
    assert.equal(address(await ask(server.port, queryOf('a.pair.example.', type.A))), '192.0.2.2')
    answering('192.0.2.1')(held[0])
    assert.equal(address(await alone), '192.0.2.1')
    await server.stop()
    await Promise.all([first.close(), second.close()])
  })

  it('the relay goes on with another upstream when nobody listens at the first, and with the first when it is back', async () => {
    const port = await freePort()
    const second = await startUpstream(answering('192.0.2.2'))
    const server = await startLoopbackServer(
      (own) =>
        `.:${own} {\nbind 127.0.0.1\nforward . 127.0.0.1:${port} ${second.to} {\npolicy sequential\nhealth_check 50ms\n}\n}\n`,
    )
    try {
      for (let i = 0; i < 5; i++)
        assert.equal(address(await ask(server.port, queryOf(`f${i}.example.`, type.A))), '192.0.2.2')
      const first = await startUpstream(answering('192.0.2.1'), { port })
      let asked = 0
      await until(async () =>
        assert.equal(address(await ask(server.port, queryOf(`b${asked++}.example.`, type.A))), '192.0.2.1'),
      )
      await first.close()
    } finally {
      await server.stop()
      await second.close()
    }
  })

  it('the relay leaves a silent upstream to the chain, which takes whichever answers', async () => {
    const first = await startUpstream(silent)
    const second = await startUpstream(answering('192.0.2.2'))
    const server = await startLoopbackServer(
      (own) => `.:${own} {\nbind 127.0.0.1\nforward . ${first.to} ${second.to} {\npolicy sequential\n}\n}\n`,
    )
    try {
      const replies = Array.from({ length: 20 }, (_, i) => ask(server.port, queryOf(`s${i}.example.`, type.A)))
      assert.deepEqual(new Set((await Promise.all(replies)).map(address)), new Set(['192.0.2.2']))
    } finally {
      await server.stop()
      await first.close()
      await second.close()
    }
  })

  it('an ICMP error ends the wait of the relay at once, and the log says what it was', async () => {
    const upstream = await startUpstream(answering())
    const server = await startRelaying(
      (port) => `.:${port} {\nbind 127.0.0.1\nerrors\nforward . ${upstream.to} {\nread_timeout 20s\n}\n}\n`,
    )
    try {
      await upstream.close()
      const handedOver = await server.metric('slicedns_relay_handed_over_total')
      // Without the error the relay would wait for half of read_timeout, longer than this test may take.
      assert.equal(code(await ask(server.port, queryOf('gone.example.', type.A))), rcode.SERVFAIL)
      assert.equal(await server.metric('slicedns_relay_handed_over_total'), handedOver + 1)
      assert.match(server.lines.join('\n'), /gone\.example\. A: read udp .*connection refused/)
    } finally {
      await server.stop()
    }
  })

  it('no upstream socket is open when the server has stopped', async () => {
    const inodesOf = (table: string) =>
      readFileSync(`/proc/self/net/${table}`, 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => `socket:[${line.trim().split(/\s+/)[9]}]`)
    const sockets = () => {
      const udp = new Set([...inodesOf('udp'), ...inodesOf('udp6')])
      return readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return udp.has(readlinkSync(`/proc/self/fd/${fd}`))
        } catch {
          return false
        }
      }).length
    }
    const upstream = await startUpstream(answering())
    const earlier = sockets()
    const server = await startRelaying((port) => `.:${port} {\nbind 127.0.0.1\nforward . ${upstream.to}\n}\n`)
    await Promise.all(Array.from({ length: 50 }, (_, i) => ask(server.port, queryOf(`o${i}.example.`, type.A))))
    assert.ok(sockets() > earlier)
    await server.stop()
    await until(() => assert.ok(sockets() <= earlier, `${sockets()} sockets, ${earlier} before`))
    await upstream.close()
  })
})
