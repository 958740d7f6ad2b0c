/** The messages that CoreDNS and slicedns send for the same queries, field by field. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { parseMessage } from '../../src/dns/wire.ts'
import { connectReader, type Reader, startReader, type Tapped } from '../plugins/dnstap/reader.ts'
import { without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { question } from '../support/question.ts'
import { until } from '../support/until.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../support/upstream.ts'
import { type NamedServer, startNamed } from './side-by-side.ts'

const corefile = (port: number, sink: number, listener: number, upstream: string) => `.:${port} {
  bind 127.0.0.1 ::1
  metadata
  dnstap tcp://127.0.0.1:${sink} full {
    identity host
    version 1
    extra "{type} {class} {name} {proto} {size} {remote} {local} {>id} {>opcode} {>do} {>bufsize} {rcode} {rsize} {duration} {>rflags} {/a/b} {x}"
  }
  dnstap listen tcp://127.0.0.1:${listener} {
    identity host
    version 1
  }
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
  template ANY ANY nxdomain.example {
    rcode NXDOMAIN
    authority "example. 5 IN SOA ns.example. host.example. 1 2 3 4 5"
  }
  forward upstream.example ${upstream} {
    max_fails 0
  }
  forward down.example 127.0.0.1:1 {
    max_fails 0
  }
}`

interface Tapping {
  readonly server: NamedServer
  readonly upstream: ScriptedUpstream
  /** A sink of each kind. */
  readonly sinks: readonly [Reader, Reader]
}

async function startTapping(name: NamedServer['name']): Promise<Tapping> {
  const [sink, listener] = [await freePort(), await freePort()]
  const upstream = await startUpstream(answering())
  const full = await startReader(sink)
  const server = await startNamed(name, (port) => corefile(port, sink, listener, upstream.to))
  const listening = await until(() => connectReader(listener))
  await until(() =>
    assert.deepEqual(
      [full, listening].map(({ controls }) => controls.length),
      [2, 2],
    ),
  )
  return { server, upstream, sinks: [full, listening] }
}

type Transport = 'udp4' | 'udp6' | 'tcp4'

async function ask({ port }: NamedServer, transport: Transport, message: Buffer): Promise<void> {
  if (transport === 'tcp4') {
    const socket = connect(port, '127.0.0.1')
    socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]))
    await once(socket, 'data')
    socket.destroy()
    return
  }
  const socket = createSocket(transport)
  socket.connect(port, transport === 'udp4' ? '127.0.0.1' : '::1')
  await once(socket, 'connect')
  socket.send(message)
  await once(socket, 'message')
  socket.close()
}

const hasResponses = ({ messages }: Reader, count: number): Promise<void> =>
  until(() => assert.equal(messages.filter(({ type }) => type === 'CLIENT_RESPONSE').length, count))

/** Ports and times are each server's own: their names stand for them. A message is shown by what it says. */
function comparable(tapped: Tapped): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [field, value] of Object.entries(tapped)) {
    if (/(port|sec)$/.test(field)) shown[field] = typeof value
    else if (field.endsWith('message')) shown[field] = said(String(value))
    else shown[field] = value
  }
  return shown
}

function said(hex: string) {
  const { id, response, rcode, questions, answer, authority, edns } = parseMessage(Buffer.from(hex, 'hex'))
  const records = [...answer, ...authority].map(({ name, type, ttl, rdata }) => [
    name,
    type,
    ttl,
    Buffer.from(rdata).toString('hex'),
  ])
  return { id, response, rcode, questions, records, payload: edns?.payloadSize }
}

/** A forwarded question is shown as the server asks it, which differs from the client's; a reply of the server has an OPT here. */
function excused(messages: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  return messages.map((message) => {
    const { query_message: query, response_message: reply, ...others } = message as Record<string, { payload?: number }>
    return {
      ...others,
      ...(query && { query: { ...query, payload: undefined } }),
      ...(reply && { reply: { ...reply, payload: undefined } }),
    }
  })
}

describe('dnstap beside CoreDNS', { skip: without('coredns') }, () => {
  const tapping: Tapping[] = []
  before(async () => {
    for (const name of ['slicedns', 'CoreDNS'] as const) tapping.push(await startTapping(name))
  })
  after(() =>
    Promise.all(
      tapping.flatMap(({ server, upstream, sinks }) => [
        server.stop(),
        upstream.close(),
        ...sinks.map((sink) => sink.close()),
      ]),
    ),
  )

  const asked: readonly string[] = [
    'table.example A',
    'table.example AAAA',
    'chain.example TXT',
    'refused.example A',
    'nxdomain.example A',
    'a.upstream.example A',
    'a.down.example A',
    'a.elsewhere.example A',
  ]
  async function messagesOf({ server, sinks }: Tapping, transport: Transport): Promise<string[][]> {
    const [full, listening] = sinks
    for (const sink of sinks) sink.messages.length = 0
    for (const [i, text] of asked.entries()) {
      await ask(server, transport, question(text, 4711 + i))
      // CoreDNS writes to a sink that has connected without a lock: messages of two queries at a time damage its stream.
      await hasResponses(listening, i + 1)
    }
    await hasResponses(full, asked.length)
    return sinks.map(({ messages }) => excused(messages.filter(isCompared).map(comparable)).map(text).sort())
  }

  for (const transport of ['udp4', 'udp6', 'tcp4'] as const)
    it(`queries over ${transport} give the messages that they give in CoreDNS`, async () => {
      const [ours, theirs] = await Promise.all(tapping.map((tapped) => messagesOf(tapped, transport)))
      assert.deepEqual(ours, theirs)
      assert.equal(ours?.[0]?.length, 2 * asked.length + 2)
    })
})

const text = (message: unknown): string => JSON.stringify(message, undefined, 1)

/** How often an upstream that refuses is asked again is each server's own. */
const isCompared = ({ type, response_port }: Tapped): boolean =>
  String(type).startsWith('CLIENT') || response_port !== 1
