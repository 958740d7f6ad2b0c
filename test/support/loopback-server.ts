/** A server in this process with every plugin, on real sockets of the loopback, and clients with addresses of their own. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { collect } from '../../src/answer/counters.ts'
import { createResponder, missText } from '../../src/answer/index.ts'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { typeNumber } from '../../src/dns/codes.ts'
import type { Edns } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { plugins } from '../../src/plugins/index.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import { type Clock, systemClock } from '../../src/scheduling/clock.ts'
import { type Explanation, explain } from '../../src/server/explain.ts'
import { createTableProbe } from '../../src/server/probe.ts'
import { startServer } from '../../src/server/server.ts'
import { createTable } from '../../src/table/index.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createTransport } from '../../src/transport/index.ts'
import { collectingLog } from './plugin-harness.ts'
import { freePort } from './ports.ts'

export interface LoopbackServer {
  readonly port: number
  /** What was logged, a line each. */
  readonly lines: string[]
  /** Loads this Corefile in place of the one before; resolves when the answer table has what it compiles. */
  load(corefile: string): Promise<void>
  /** From here on it is so much later for the server, but for the data plane's own clock. */
  pass(milliseconds: number): void
  /** Replies that the answer table has given so far. */
  answeredByTable(): number
  /** The value of a metric; `name` with its labels, as in the text. */
  metric(name: string): Promise<number>
  /** What `slicedns explain` is given, for its one listener. */
  explain(name: string, type: string): Promise<Explanation>
  stop(): Promise<void>
}

/** `corefile` is written for the port that it gets, or is given. `udp: 'dgram'` takes the portable path. */
export async function startLoopbackServer(
  corefile: (port: number) => string,
  { udp = 'auto' as 'auto' | 'dgram', port: given = 0 } = {},
): Promise<LoopbackServer> {
  const port = given || (await freePort())
  const lines: string[] = []
  const log = collectingLog(lines)
  const metrics = createMetrics()
  const writer = createTable({ reserveBytes: 1 << 27 })
  let text = corefile(port)
  let version = 0
  let passed = 0
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + passed,
    wall: () => systemClock.wall() + passed,
  }
  const server = await startServer({
    readCorefile: () => ({
      ...parseCorefile(text, 'Corefile', diskSources),
      file: 'Corefile',
      hash: String(version),
      builtIn: false,
    }),
    plugins,
    version: 'slicedns-test',
    defaultPort: port,
    log,
    metrics,
    clock,
    writer,
    dataPlane: { collect: () => collect(writer) },
    limits: readProcessLimits(),
    openIngress: (onMiss, onAnswered, onRelayed) =>
      createTransport({
        table: writer.handle,
        addReader: () => writer.addReader(),
        onMiss,
        onAnswered,
        onRelayed,
        log,
        metrics,
        clock,
        udp,
      }),
    fatal: (reason) => assert.fail(reason),
  })
  await server.current().settled
  const responder = createResponder(writer.handle, writer.addReader().slot)
  const probe = createTableProbe(responder, () => missText(responder))
  return {
    port,
    lines,
    async load(changed) {
      text = changed
      version++
      assert.deepEqual(await server.reload('test'), { ok: true }, changed)
      await server.current().settled
    },
    pass(milliseconds) {
      passed += milliseconds
    },
    answeredByTable() {
      let sum = 0
      for (const { responses } of collect(writer)) for (const count of responses.values()) sum += count
      return sum
    },
    async metric(name) {
      const line = (await metrics.text()).split('\n').find((text) => text.startsWith(`${name} `))
      return Number(line?.split(' ')[1])
    },
    async explain(name, type) {
      const [explanation] = await explain(server, probe, name, type)
      return explanation
    },
    async stop() {
      await server.ingress.close()
      await server.current().stop()
    },
  }
}

export interface LoopbackClient {
  /** Asks these questions at once, by one socket or connection, and waits for every reply. */
  ask(questions: readonly string[], via: 'udp' | 'tcp'): Promise<readonly Exchange[]>
  /**
   * The same where some are dropped: waits until `last`, asked three times one after the other behind them, is answered.
   */
  askUntil(questions: readonly string[], via: 'udp' | 'tcp', last: string): Promise<readonly Exchange[]>
}

export interface Exchange {
  /** `NAME TYPE` */
  readonly question: string
  readonly request: Uint8Array
  /** Undefined: dropped. */
  readonly reply: Uint8Array | undefined
}

/** A client whose queries come from this address, to a server on 127.0.0.1. `payloadSize`: with EDNS. */
export function loopbackClient(
  address: string,
  port: number,
  { payloadSize }: { readonly payloadSize?: number } = {},
): LoopbackClient {
  const edns: Edns | undefined =
    payloadSize === undefined ? undefined : { version: 0, payloadSize, dnssecOk: false, extendedRcode: 0, options: [] }
  return {
    async ask(questions, via) {
      const wire = await (via === 'udp' ? openUdp(address, port, edns) : openTcp(address, port, edns))
      try {
        const sent = questions.map(wire.send)
        await wire.answered(sent)
        return wire.exchanges(sent)
      } finally {
        wire.close()
      }
    },
    async askUntil(questions, via, last) {
      const wire = await (via === 'udp' ? openUdp(address, port, edns) : openTcp(address, port, edns))
      try {
        const sent = questions.map(wire.send)
        for (let time = 0; time < 3; time++) await wire.answered([wire.send(last)])
        return wire.exchanges(sent)
      } finally {
        wire.close()
      }
    },
  }
}

interface Sent {
  readonly question: string
  readonly id: number
  readonly request: Uint8Array
}

async function openUdp(address: string, port: number, edns: Edns | undefined) {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  const conversation = createConversation(address, edns, (request) => socket.send(request, port, '127.0.0.1'))
  socket.on('message', conversation.take)
  return { ...conversation, close: () => socket.close() }
}

async function openTcp(address: string, port: number, edns: Edns | undefined) {
  const socket = connect({ host: '127.0.0.1', port, localAddress: address })
  await once(socket, 'connect')
  const conversation = createConversation(address, edns, (request) =>
    socket.write(Buffer.concat([Uint8Array.of(request.length >> 8, request.length & 0xff), request])),
  )
  let rest: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
      const end = 2 + rest.readUInt16BE(0)
      conversation.take(rest.subarray(2, end))
      rest = rest.subarray(end)
    }
  })
  return { ...conversation, close: () => socket.destroy() }
}

/** Milliseconds without a reply after which a test fails: a bound of a failure, not of a success. */
const longestWait = 30_000

function createConversation(address: string, edns: Edns | undefined, write: (request: Uint8Array) => void) {
  const replies = new Map<number, Uint8Array>()
  let nextId = 1
  let wake: () => void = () => undefined
  return {
    send(question: string): Sent {
      const [name, typeText] = question.split(' ')
      const id = nextId++
      const request = encodeMessage({ ...queryMessage(name, typeNumber(typeText)!, true), id, edns }, { limit: 512 })
      write(request)
      return { question, id, request }
    },
    take(octets: Buffer): void {
      replies.set(octets.readUInt16BE(0), octets)
      wake()
    },
    answered(sent: readonly Sent[]): Promise<void> {
      const missing = () => sent.filter(({ id }) => !replies.has(id))
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          const list = missing().map(({ question }) => question)
          reject(new Error(`${address} got no reply to ${list.join(', ')}`))
        }, longestWait)
        wake = () => {
          if (missing().length > 0) return
          clearTimeout(late)
          resolve()
        }
        wake()
      })
    },
    exchanges: (sent: readonly Sent[]): readonly Exchange[] =>
      sent.map(({ question, id, request }) => ({ question, request, reply: replies.get(id) })),
  }
}
