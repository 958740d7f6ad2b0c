/** A server in this process, without sockets, that runs the plugins of a test. */
import assert from 'node:assert/strict'
import { createResponder, missText } from '../../src/answer/index.ts'
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { rcodeName, type as rrType } from '../../src/dns/codes.ts'
import type { Message } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { replyTo } from '../../src/dns/reply.ts'
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
  /** `RCODE; answer; authority` as the table has it, or `miss`. */
  table(question: string): string
  /** The same as the chain has it. */
  chain(question: string): Promise<string>
  /** Where the question is answered, and why not from the table. */
  explained(question: string): Promise<{ readonly path: string; readonly reason: string }>
  /** Resolves when every source has published what it had at the start. */
  readonly settled: Promise<void>
  readonly lines: readonly string[]
  stop(): Promise<void>
}

export async function servePlugins(plugins: readonly Plugin[], corefile: string): Promise<PluginServer> {
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
    limits: readProcessLimits(),
    openIngress: () => ({
      apply: async () => undefined,
      lastQueryAt: () => Number.NEGATIVE_INFINITY,
      flushQueryLog() {},
      close: async () => undefined,
      udp: 'dgram',
    }),
    fatal: (text) => assert.fail(text),
  })
  const responder = createResponder(writer.handle, writer.addReader().slot)
  const probe = createTableProbe(responder, () => missText(responder))
  const [listener] = server.current().listeners

  function request(question: string): Message {
    const [name, typeName] = question.split(' ')
    return queryMessage(name, rrType[typeName as keyof typeof rrType], true)
  }

  return {
    table(question) {
      const { reply } = probe(listener.space, request(question))
      return reply ? shown(reply) : 'miss'
    },
    async chain(question) {
      const asked = request(question)
      const outcome = await server.dispatcher.outcome(asked, server.current().planOf(listener.space)!, {
        transport: 'tcp',
        client: { address: '192.0.2.1', port: 4000 },
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

function shown({ rcode, answer, authority }: Message): string {
  const text = (records: Message['answer']) =>
    records
      .map((record) => recordText(record).replaceAll(/\s+/g, ' '))
      .sort()
      .join(', ')
  return [rcodeName(rcode), text(answer), text(authority)].join('; ').replace(/[; ]+$/, '')
}
