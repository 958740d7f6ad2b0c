/** What a sink hears of queries that the table, the chain and an upstream have answered. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parseMessage } from '../../../src/dns/wire.ts'
import { plugins } from '../../../src/plugins/index.ts'
import { servePlugins } from '../../support/plugin-server.ts'
import { freePort } from '../../support/ports.ts'
import { question } from '../../support/question.ts'
import { type Serving, serve } from '../../support/serving.ts'
import { until } from '../../support/until.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../../support/upstream.ts'
import { type Reader, startReader, type Tapped } from './reader.ts'

/** A reply, and the port that it was asked from. */
interface Asked {
  readonly reply: Buffer
  readonly port: number
}

async function askUdp(port: number, message: Buffer): Promise<Asked> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.send(message)
  const [reply] = await once(socket, 'message')
  const asked = { reply, port: socket.address().port }
  socket.close()
  return asked
}

async function askTcp(port: number, message: Buffer): Promise<Asked> {
  const socket = connect(port, '127.0.0.1')
  socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]))
  const [data] = await once(socket, 'data')
  const asked = { reply: data.subarray(2), port: socket.localPort! }
  socket.destroy()
  return asked
}

const milliseconds = (tapped: Tapped, of: 'query' | 'response'): number =>
  Number(tapped[`${of}_time_sec`]) * 1000 + Number(tapped[`${of}_time_nsec`]) / 1e6

for (const udp of ['auto', 'dgram'] as const) {
  describe(`dnstap, UDP by ${udp === 'auto' ? 'threads' : 'node:dgram'}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'dnstap-'))
    let port = 0
    let upstream: ScriptedUpstream
    let serving: Serving
    let full: Reader
    let brief: Reader

    before(async () => {
      port = await freePort()
      upstream = await startUpstream(answering())
      full = await startReader(join(folder, 'full'))
      brief = await startReader(join(folder, 'brief'))
      serving = await serve(
        plugins,
        `.:${port} {
          bind 127.0.0.1
          dnstap ${join(folder, 'full')} full
          dnstap unix://${join(folder, 'brief')} {
            identity me
            version 7
            extra "{name} {type} {proto} {rcode} {/no/label}"
          }
          cache 30
          hosts {
            10.0.0.1 table.example
            fallthrough
          }
          template ANY ANY chain.example {
            answer "{{ .Name }} 5 IN A 10.0.0.2"
          }
          template ANY ANY refused.example {
            rcode REFUSED
          }
          forward . ${upstream.to}
        }`,
        { udp },
      )
      // The first message may find the sinks on their way.
      await until(() =>
        assert.deepEqual(
          [full, brief].map(({ controls }) => controls.length),
          [2, 2],
        ),
      )
    })
    after(async () => {
      await serving.stop()
      await Promise.all([full.close(), brief.close(), upstream.close()])
      rmSync(folder, { recursive: true })
    })

    /** Asks, and gives what both sinks heard of it. */
    async function heardOf(
      ask: () => Promise<Asked>,
      count: number,
    ): Promise<{ asked: Asked; full: Tapped[]; brief: Tapped[] }> {
      full.messages.length = 0
      brief.messages.length = 0
      const asked = await ask()
      await until(() => {
        assert.deepEqual([full.messages.length, brief.messages.length], [count, count])
      })
      return { asked, full: [...full.messages], brief: [...brief.messages] }
    }

    const cases = [
      ['the table', 'table.example A', 2],
      ['the chain', 'chain.example A', 2],
      ['the chain, with an error', 'refused.example A', 2],
      ['an upstream', 'upstream.example A', 4],
      ['the cache', 'upstream.example A', 2],
    ] as const
    for (const [what, asked, count] of cases)
      for (const [transport, ask] of [
        ['UDP', askUdp],
        ['TCP', askTcp],
      ] as const) {
        const text = what === 'an upstream' || what === 'the cache' ? `${transport}.${asked}` : asked
        it(`a query over ${transport} that ${what} answers reaches the sink with both messages, addresses and times`, async () => {
          const before = Date.now()
          const message = question(text, 4711)
          const {
            asked: { reply, port: from },
            full: heard,
          } = await heardOf(() => ask(port, message), count)
          const later = Date.now()
          const query = heard.find(({ type }) => type === 'CLIENT_QUERY')!
          const response = heard.find(({ type }) => type === 'CLIENT_RESPONSE')!
          const common = {
            identity: hostname(),
            version: 'slicedns-test',
            outer_type: 1,
            socket_family: 1,
            socket_protocol: transport === 'UDP' ? 1 : 2,
            query_address: '7f000001',
            query_port: from,
            query_time_sec: query.query_time_sec,
            query_time_nsec: query.query_time_nsec,
          }
          assert.deepEqual(query, { ...common, type: 'CLIENT_QUERY', query_message: message.toString('hex') })
          const { response_time_sec, response_time_nsec, ...others } = response
          assert.deepEqual(others, { ...common, type: 'CLIENT_RESPONSE', response_message: reply.toString('hex') })
          const [asking, answered] = [milliseconds(query, 'query'), milliseconds(response, 'response')]
          assert.ok(
            before - 2 <= asking && asking <= answered && answered <= later + 2,
            `${before} ${asking} ${answered} ${later}`,
          )
        })
      }

    it('an exchange with an upstream reaches the sink with our end, its address and what it answered', async () => {
      const { full: heard, brief: short } = await heardOf(() => askUdp(port, question('exchange.example A', 9)), 4)
      assert.deepEqual(
        heard.map(({ type }) => type),
        ['CLIENT_QUERY', 'FORWARDER_QUERY', 'FORWARDER_RESPONSE', 'CLIENT_RESPONSE'],
      )
      const [, query, response] = heard
      const ends = {
        socket_family: 1,
        socket_protocol: 1,
        query_address: '7f000001',
        query_port: upstream.arrived.at(-1)!.port,
        response_address: '7f000001',
        response_port: upstream.port,
      }
      const { query_message, query_time_sec, query_time_nsec, identity, version, outer_type, ...told } = query!
      assert.deepEqual(told, { type: 'FORWARDER_QUERY', ...ends })
      const asked = parseMessage(Buffer.from(String(query_message), 'hex'))
      assert.deepEqual([asked.id, asked.questions[0]!.name], [9, 'exchange.example.'])
      const answer = parseMessage(Buffer.from(String(response!.response_message), 'hex'))
      assert.deepEqual([answer.id, answer.response, answer.answer.length], [9, true, 1])
      assert.deepEqual(
        short.map(({ query_message: one, response_message: other }) => one ?? other),
        [undefined, undefined, undefined, undefined],
      )
    })

    it('a sink that is not full hears no messages, and its own identity, version and extra', async () => {
      for (const [name, extra] of [
        ['table.example', 'table.example. A udp - -'],
        ['chain.example', 'chain.example. A udp - -'],
      ]) {
        const { brief: heard } = await heardOf(() => askUdp(port, question(`${name} A`, 1)), 2)
        for (const told of heard)
          assert.deepEqual(
            [told.identity, told.version, told.extra, told.query_message, told.response_message],
            ['me', '7', extra, undefined, undefined],
          )
      }
    })
  })
}

describe('the extra field of dnstap', () => {
  it('metadata of a query is in the extra field, and keeps the names that metadata covers out of the table', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dnstap-'))
    const port = await freePort()
    const upstream = await startUpstream(answering())
    const sink = await startReader(join(folder, 'sock'))
    const serving = await serve(
      plugins,
      `.:${port} {
        bind 127.0.0.1
        metadata table.example upstream.example
        dnstap ${join(folder, 'sock')} {
          extra "{name} {/forward/upstream}"
        }
        hosts {
          10.0.0.1 table.example other.example
          fallthrough
        }
        forward . ${upstream.to}
      }`,
    )
    try {
      for (const name of ['table', 'other', 'upstream']) await askUdp(port, question(`${name}.example A`, 1))
      await until(() => assert.equal(sink.messages.length, 8))
      const told = sink.messages.map(({ type, extra }) => `${type} ${extra}`).sort()
      assert.deepEqual(told, [
        'CLIENT_QUERY other.example. -',
        'CLIENT_QUERY table.example. -',
        'CLIENT_QUERY upstream.example. -',
        'CLIENT_RESPONSE other.example. -',
        'CLIENT_RESPONSE table.example. -',
        `CLIENT_RESPONSE upstream.example. ${upstream.to}`,
        `FORWARDER_QUERY upstream.example. ${upstream.to}`,
        `FORWARDER_RESPONSE upstream.example. ${upstream.to}`,
      ])
    } finally {
      await serving.stop()
      await Promise.all([sink.close(), upstream.close()])
      rmSync(folder, { recursive: true })
    }
  })
})

describe('dnstap and the answer table', () => {
  const block = (extra: string) => `. {
    metadata covered.example
    dnstap /nowhere/sock {
      extra "${extra}"
    }
    hosts {
      10.0.0.1 covered.example other.example
    }
  }`

  it('names stay in the table, but for those whose metadata the extra field needs', async () => {
    for (const [extra, covered] of [
      ['{name}', 'NOERROR; covered.example. 3600 IN A 10.0.0.1'],
      ['{/a/b}', 'miss'],
    ] as const) {
      const server = await servePlugins(plugins, block(extra))
      await server.settled
      assert.equal(server.table('covered.example. A'), covered)
      assert.equal(server.table('other.example. A'), 'NOERROR; other.example. 3600 IN A 10.0.0.1')
      if (covered === 'miss')
        assert.match((await server.explained('covered.example. A')).reason, /dnstap: its extra field has metadata/)
      await server.stop()
    }
  })
})
