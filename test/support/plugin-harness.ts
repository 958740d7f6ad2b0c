/** Sets one plugin up as the server would, from the text of its directive, with a clock that moves when told to. */
import { diskSources } from '../../src/corefile/load.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { readSettings } from '../../src/corefile/read.ts'
import { ConfigError } from '../../src/corefile/schema.ts'
import { rcode, type as rrType, typeNumber } from '../../src/dns/codes.ts'
import type { Edns, Message } from '../../src/dns/message.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { type Capability, capabilityOf } from '../../src/plugin/capability.ts'
import type {
  BlockPlugin,
  DataPlaneSample,
  Instance,
  Plugin,
  ProcessState,
  Provider,
  ReloadResult,
} from '../../src/plugin/contract.ts'
import type { Next, Outcome, Query } from '../../src/plugin/query.ts'
import { type ProcessLimits, readProcessLimits } from '../../src/process-limits/index.ts'
import { createSharedValues } from '../../src/server/process-state.ts'
import { createReloadRecord } from '../../src/server/reload-record.ts'
import type { Logger } from '../../src/telemetry/log.ts'
import type { MetricsRegistry } from '../../src/telemetry/metrics.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { questionBudget } from './budget.ts'
import { createFakeClock, type FakeClock } from './fake-clock.ts'

/** What a process has: shared by the configurations of a test that reloads. */
export interface PluginHarness {
  readonly lines: string[]
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: FakeClock
  readonly state: ProcessState
  /** What the next reload results in, and why reloads were asked for. */
  readonly reloads: { result: ReloadResult; readonly reasons: string[] }
  /** The hash of the file on disk: a value, or an error that reading it throws. */
  file: { hash: string } | { error: Error }
  running: { hash: string }
  samples: readonly DataPlaneSample[]
  settled(): Promise<void>
}

/** `limits`: what the process may use, where a test needs less. */
export function createPluginHarness(limits: Partial<ProcessLimits> = {}): PluginHarness {
  const lines: string[] = []
  const log = collectingLog(lines)
  const shared = createSharedValues(log)
  const metrics = createMetrics()
  const clock = createFakeClock()
  const record = createReloadRecord(metrics, clock)
  const harness: PluginHarness = {
    lines,
    log,
    metrics,
    clock,
    reloads: { result: { ok: true }, reasons: [] },
    file: { hash: 'first' },
    running: { hash: 'first' },
    samples: [],
    settled: shared.settled,
    state: {
      version: 'slicedns-test',
      acquire: shared.acquire,
      async reload(reason) {
        harness.reloads.reasons.push(reason)
        if (harness.reloads.result.ok && 'hash' in harness.file) harness.running = { hash: harness.file.hash }
        record.ended(harness.reloads.result)
        return harness.reloads.result
      },
      get configHash() {
        return harness.running.hash
      },
      readConfigHash() {
        if ('error' in harness.file) throw harness.file.error
        return harness.file.hash
      },
      corefileUnreadable: record.unreadable,
      corefileRestored: record.restored,
      fatal(text) {
        throw new Error(text)
      },
      dataPlane: { collect: () => harness.samples },
      limits: { ...readProcessLimits(), ...limits },
      inspection: {
        explain: async () => [],
        status: () => ({}),
        state: () => Promise.reject(new Error('no server runs')),
        service: () => undefined,
        attend: () => ({ release() {} }),
      },
    },
  }
  return harness
}

export interface BlockOptions {
  readonly zones?: readonly string[]
  readonly servers?: readonly string[]
  readonly port?: number
  readonly addresses?: readonly string[]
  readonly root?: string
  /** The instances of the block's other plugins. */
  readonly others?: Readonly<Record<string, Instance>>
}

/** Sets `plugin` up from lines of a server block. Throws what the server would report. */
export function setUp<Settings>(
  plugin: Plugin<Settings>,
  lines: string,
  process: PluginHarness = createPluginHarness(),
  { zones = ['.'], servers = ['dns://:53'], port = 53, addresses = [], root = '/', others = {} }: BlockOptions = {},
): Instance {
  const { blocks } = parseCorefile(`. {\n${lines}\n}\n`, 'Corefile', diskSources)
  const occurrences = blocks[0].directives.filter(({ word }) => word === plugin.name)
  const settings = readSettings(plugin.schema, occurrences, zones)
  const plugins = (): BlockPlugin[] => [
    { plugin: plugin.name, instance },
    ...Object.entries(others).map(([name, other]) => ({ plugin: name, instance: other })),
    // What the `next` of a test stands for.
    { plugin: 'next', instance: { handler: (query, next) => next(query) } },
  ]
  const capabilities = <T>(capability: Capability<T>): Provider<T>[] =>
    plugins().flatMap(({ plugin, instance }) => {
      const value = capabilityOf(instance, capability)
      return value === undefined ? [] : [{ plugin, value }]
    })
  const instance: Instance = plugin.setup(settings, {
    directive: occurrences[0],
    block: {
      zones,
      port,
      root,
      corefile: '/Corefile',
      directives: [plugin.name, ...Object.keys(others)],
      addresses,
      servers,
      get plugins() {
        return plugins()
      },
      capability: (capability) => capabilities(capability)[0]?.value,
      capabilities,
    },
    log: process.log.plugin(plugin.name),
    metrics: process.metrics,
    clock: process.clock,
    process: process.state,
    fail(message, position) {
      throw new ConfigError(`plugin/${plugin.name}: ${message}`, position ?? occurrences[0].at)
    },
  })
  return instance
}

export function collectingLog(lines: string[], prefix = ''): Logger {
  const at = (level: string) => (text: string) => void lines.push(`[${level}] ${prefix}${text}`)
  return {
    debug: at('DEBUG'),
    info: at('INFO'),
    warning: at('WARNING'),
    error: at('ERROR'),
    plugin: (name) => collectingLog(lines, name === '' ? '' : `plugin/${name}: `),
    setDebug: (on) => void lines.push(`debug ${on ? 'on' : 'off'}`),
  }
}

export interface Asked {
  readonly transport?: Query['transport']
  readonly client?: string
  readonly port?: number
  readonly edns?: Partial<Edns>
  readonly request?: Partial<Message>
  readonly zone?: string
  readonly receivedAt?: number
}

/** A query for `NAME TYPE` (class IN), by UDP from 192.0.2.1 port 4000 unless told otherwise. */
export function ask(question: string, asked: Asked = {}): Query {
  const [name, typeText] = question.split(' ')
  const type = typeNumber(typeText) ?? rrType.A
  const edns = asked.edns && {
    version: 0,
    payloadSize: 1232,
    dnssecOk: false,
    extendedRcode: 0,
    options: [],
    ...asked.edns,
  }
  const request: Message = {
    ...queryMessage(name, type, true),
    id: 17,
    edns,
    ...asked.request,
  }
  return {
    request,
    qname: name,
    name: name.toLowerCase(),
    qtype: type,
    qclass: request.questions[0].class,
    transport: asked.transport ?? 'udp',
    client: { address: asked.client ?? '192.0.2.1', port: asked.port ?? 4000 },
    local: { address: '192.0.2.53', port: 53 },
    zone: asked.zone ?? '.',
    server: 'dns://:53',
    view: '',
    receivedAt: asked.receivedAt ?? 0,
    budget: questionBudget(asked.receivedAt),
    lookup: () => Promise.reject(new Error('this plugin looks nothing up')),
  }
}

export interface Reply {
  readonly rcode?: keyof typeof rcode
  readonly answer?: readonly string[]
  readonly authority?: readonly string[]
  readonly additional?: readonly string[]
  readonly error?: Error
}

/** The end of a chain that replies with records in zone-file text. */
export function replying(reply: Reply = {}): Next {
  const records = (lines: readonly string[] = []) => lines.map(parseRecord)
  return ({ request }) => ({
    kind: 'reply',
    plugin: 'test',
    ...(reply.error && { error: reply.error }),
    message: replyTo(request, {
      rcode: rcode[reply.rcode ?? 'NOERROR'],
      answer: records(reply.answer),
      authority: records(reply.authority),
      additional: records(reply.additional),
    }),
  })
}

/** The end of a chain that has nothing to say but an rcode. */
export function failing(code: number, message?: string): Next {
  return () => ({ kind: 'rcode', rcode: code, plugin: 'test', ...(message && { error: new Error(message) }) })
}

/** The message of a whole reply. */
export function messageOf(outcome: Outcome): Message {
  if (outcome.kind !== 'reply') throw new Error(`the outcome is ${outcome.kind}, not a reply`)
  return outcome.message
}

/** Runs the instance's handler. */
export function handle(instance: Instance, query: Query, next: Next): Outcome | Promise<Outcome> {
  if (!instance.handler) throw new Error('the plugin has no handler')
  return instance.handler(query, next)
}
