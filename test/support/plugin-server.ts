/** A server in this process, without sockets, that runs the plugins of a test. */
import assert from 'node:assert/strict'
import { transportCode } from '../../src/answer/api.ts'
import { createResponder, missText } from '../../src/answer/index.ts'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { parseAddress } from '../../src/dns/address.ts'
import { rcodeName, type as rrType } from '../../src/dns/codes.ts'
import type { Message } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import type { Plugin } from '../../src/plugin/contract.ts'
import { readProcessLimits } from '../../src/process-limits/index.ts'
import { systemClock } from '../../src/scheduling/clock.ts'
import { explain } from '../../src/server/explain.ts'
import { createTableProbe } from '../../src/server/probe.ts'
import { startServer } from '../../src/server/server.ts'
import { createTable } from '../../src/table/index.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createPluginHarness } from './plugin-harness.ts'

export interface PluginServer {
  /**
   * `RCODE; answer; authority; additional` as the table has it for this client, or `miss`. A question is `NAME TYPE`, and
   * `NAME TYPE DO` for a client that wants signatures.
   */
  table(question: string, client?: string): string
  /** The same as the chain has it. */
  chain(question: string, client?: string): Promise<string>
  /** Where the question is answered, and why not from the table. */
  explained(question: string): Promise<{ readonly path: string; readonly reason: string }>
  /** Resolves when every source has published what it had at the start. */
  readonly settled: Promise<void>
  readonly lines: readonly string[]
  stop(): Promise<void>
}

/** `memoryLimit`: octets; absent: that of the machine. */
export async function servePlugins(
  plugins: readonly Plugin[],
  corefile: string,
  memoryLimit?: number,
): Promise<PluginServer> {
  const { log, lines } = createPluginHarness()
  const writer = createTable({ reserveBytes: 1 << 26 })
  const server = await startServer({
    readCorefile: () => ({
      ...parseCorefile(corefile, 'Corefile', diskSources),
      file: 'Corefile',
      hash: '',
      builtIn: false,
    }),
    plugins,
    version: 'slicedns-test',
    defaultPort: 53,
    log,
    metrics: createMetrics(),
    clock: systemClock,
    writer,
    dataPlane: { collect: () => [] },
    limits: readProcessLimits({ memoryLimit }),
    openIngress: () => ({
      apply: async () => undefined,
      lastQueryAt: () => Number.NEGATIVE_INFINITY,
      flushQueryLog() {},
      relayed: () => 0,
      close: async () => undefined,
      udp: 'dgram',
    }),
    fatal: (text) => assert.fail(text),
  })
  const responder = createResponder(writer.handle, writer.addReader().slot)
  const probe = createTableProbe(responder, () => missText(responder))
  const [listener] = server.current().listeners
  const reply = new Uint8Array(65_535)

  function request(question: string): Message {
    const [name, typeName, dnssec] = question.split(' ')
    const plain = queryMessage(name, rrType[typeName as keyof typeof rrType], true)
    const edns = { version: 0, payloadSize: 1232, dnssecOk: true, extendedRcode: 0, options: [] }
    return dnssec === 'DO' ? { ...plain, edns } : plain
  }

  return {
    table(question, client = '192.0.2.1') {
      const octets = encodeMessage(request(question), { limit: 65_535 })
      const address = parseAddress(client)!
      responder.startBatch(systemClock.now())
      responder.from(address, 0, address.length === 4 ? 4 : 6)
      const length = responder.answer(octets, 0, octets.length, listener.space, transportCode.stream, reply, 0)
      responder.offline()
      return length > 0 ? shown(parseMessage(reply, 0, length)) : 'miss'
    },
    async chain(question, client = '192.0.2.1') {
      const asked = request(question)
      const outcome = await server.dispatcher.outcome(asked, server.current().planOf(listener.space)!, {
        transport: 'tcp',
        client: { address: client, port: 4000 },
        local: { address: '192.0.2.53', port: 53 },
        receivedAt: systemClock.now(),
      })
      if (outcome.kind === 'drop') return 'drop'
      return shown(outcome.kind === 'reply' ? outcome.message : replyTo(asked, { rcode: outcome.rcode }))
    },
    async explained(question) {
      const [{ path, reason }] = await explain(server, probe, ...(question.split(' ') as [string, string]))
      return { path, reason }
    },
    settled: server.current().settled,
    lines,
    stop: () => server.current().stop(),
  }
}

function shown({ rcode, answer, authority, additional }: Message): string {
  const text = (records: Message['answer']) =>
    records
      .map((record) => recordText(record).replaceAll(/\s+/g, ' '))
      .sort()
      .join(', ')
  return [rcodeName(rcode), text(answer), text(authority), text(additional)].join('; ').replace(/[; ]+$/, '')
}
