/** The kubernetes plugin over a cluster made by hand, asked through its handler and through the answer table. */

import { MISS, transportCode } from '../../src/answer/api.ts'
import { createResponder } from '../../src/answer/index.ts'
import { parseCorefile } from '../../src/corefile/parser.ts'
import { readSettings } from '../../src/corefile/read.ts'
import { typeNumber } from '../../src/dns/codes.ts'
import { encodeMessage } from '../../src/dns/encode.ts'
import type { Message } from '../../src/dns/message.ts'
import { lowerName, parseName } from '../../src/dns/name.ts'
import { queryMessage } from '../../src/dns/query.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { finishReply, replyTo } from '../../src/dns/reply.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import type { Outcome, Query } from '../../src/plugin/query.ts'
import { createHandler } from '../../src/plugins/kubernetes/handler.ts'
import { followIndexes } from '../../src/plugins/kubernetes/indexes.ts'
import { createSettling } from '../../src/plugins/kubernetes/publish/settling.ts'
import { createSource } from '../../src/plugins/kubernetes/publish/source.ts'
import { schema } from '../../src/plugins/kubernetes/settings.ts'
import { createTable } from '../../src/table/index.ts'
import { monotonicMilliseconds } from '../../src/table/writer.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { questionBudget } from './budget.ts'
import { createNotation } from './cluster-notation.ts'
import { knowledgeOf } from './context.ts'
import type { Served } from './every-transport.ts'
import { createFakeClock } from './fake-clock.ts'
import { createFakeCluster } from './fake-cluster.ts'

export interface KubernetesHarness {
  /** Applies lines of the cluster notation. */
  apply(lines: string): void
  /** Where in [0, 1) everything is drawn from now on that is drawn per query: a split's backend, an order. */
  drawAt(point: number): void
  /** What is drawn comes from here from now on: numbers in [0, 1). */
  drawFrom(random: () => number): void
  /** Lets time pass, in milliseconds: it does not by itself. */
  pass(milliseconds: number): void
  /** Everything that has happened is in the table. */
  settled(): Promise<void>
  /** The handler's reply as a stream client gets it, or `next` when it passed the query on. */
  askChain(name: string, type: string, elsewhere: Elsewhere): Promise<Message | 'next'>
  /** The table's reply, or undefined when the question is for the chain. */
  askTable(name: string, type: string): Message | undefined
  /** The same in octets; the reply is valid until the next question. */
  askTableInOctets(request: Uint8Array): Uint8Array | undefined
  /** For listeners: the table, and behind it the handler. */
  serve(elsewhere: Elsewhere): Served
}

/** `NAME TYPE` to the records that another zone answers; what is not there fails. */
export type Elsewhere = Readonly<Record<string, readonly string[]>>

export interface ClusterOptions {
  readonly options?: string
  readonly zones?: string
  readonly localAddresses?: readonly string[]
  readonly unsynced?: boolean
  readonly cluster?: string
}

/** Every change of these tests' clusters happens in this second. */
export const fixedSerial = 1_577_836_800

export function createKubernetesHarness(given: ClusterOptions): KubernetesHarness {
  const settings = readKubernetes(given)
  // Time stands still: work is never cut into slices, however slow the machine is.
  const clock = createFakeClock({ wall: fixedSerial * 1000 })
  const cluster = createFakeCluster({
    ...settings.cluster,
    clock,
    availability: given.unsynced ? 'pending' : 'synced',
  })
  const notation = createNotation(cluster)
  // What every cluster has; it also sets the serial.
  notation.apply('service kubernetes default 10.96.0.1 ports https:TCP:443')
  notation.apply(given.cluster ?? '')
  const { adaptiveTtl } = settings.dns
  const settling = adaptiveTtl && createSettling(cluster, adaptiveTtl.settle, clock)
  const context = knowledgeOf(cluster.view, settings.dns, given.localAddresses, settling)
  followIndexes(cluster, context)
  const source = createSource({
    zones: settings.dns.zones,
    clock,
    // No service is put off for the work that it takes, however slow the machine is.
    threadTime: () => 0,
    latency: { published() {}, alreadyThere() {} },
    metrics: createMetrics(),
    report(text) {
      throw new Error(text)
    },
  })
  let random = () => 0
  const handler = createHandler({
    context: () => context,
    answered: source.answered,
    holdQueue: { wait: () => undefined },
    overdue: () => clock.now() >= settings.startupTimeout,
    clock,
    chaseLimits: { reached() {} },
    random: () => random(),
  })
  const table = openTable(() => Math.floor(random() * 2 ** 32))
  source.start(cluster, context, { settling })
  const attached = source.attach(table.sink)
  return {
    apply: notation.apply,
    drawAt(point) {
      random = () => point
    },
    drawFrom(source) {
      random = source
    },
    pass: clock.advance,
    async settled() {
      await attached.settled
      // A change is compiled by the microtasks after it.
      await new Promise(setImmediate)
    },
    async askChain(name, type, elsewhere) {
      const reply = await askHandler(question(name, type), elsewhere)
      return reply === 'next' ? reply : parseMessage(reply)
    },
    askTable(name, type) {
      const octets = table.ask(encodeMessage(question(name, type), { limit: 0xffff }))
      return octets && parseMessage(octets.slice())
    },
    askTableInOctets: table.ask,
    serve: (elsewhere) => ({
      space: table.space,
      responder: table.responder,
      async chain(octets) {
        const reply = await askHandler(parseMessage(octets), elsewhere)
        if (reply === 'next') throw new Error('the query goes to the next plugin')
        return reply
      },
    }),
  }

  /** The reply in octets as a stream client gets it. */
  async function askHandler(request: Message, elsewhere: Elsewhere): Promise<Uint8Array | 'next'> {
    let passed = false
    const outcome = await handler(queryFor(request, elsewhere), () => {
      passed = true
      return { kind: 'drop', plugin: 'next' }
    })
    return passed ? 'next' : finishReply(messageOf(outcome, request), request, { transport: 'tcp' })
  }
}

export function readKubernetes({ options = '', zones = 'cluster.local in-addr.arpa ip6.arpa' }: ClusterOptions) {
  const body = options ? ` {\n${options}\n}` : ''
  const text = `.:53 {\nkubernetes ${zones}${body}\n}`
  const [block] = parseCorefile(text, 'Corefile', { readFile: () => '', glob: () => [], env: () => '' }).blocks
  return readSettings(schema, block.directives, ['.'])
}

function openTable(random: () => number) {
  const writer = createTable({ reserveBytes: 16 * 2 ** 20 })
  const space = writer.createSpace()
  const profileId = writer.defineProfile(space, {
    server: 'dns://:53',
    zone: '.',
    view: '',
    plugin: 'kubernetes',
    shuffle: false,
    maxPayload: 0,
  })
  const responder = createResponder(writer.handle, writer.addReader().slot, { random })
  const reply = new Uint8Array(0x10000)
  return {
    space,
    responder,
    sink: {
      zone: (zone: Parameters<typeof writer.zone>[1]) => writer.zone(space, zone),
      put: (name: string, node: Parameters<typeof writer.put>[3]) => writer.put(space, profileId, name, node),
      remove: (name: string) => writer.remove(space, name),
    },
    ask(octets: Uint8Array): Uint8Array | undefined {
      responder.startBatch(monotonicMilliseconds())
      const length = responder.answer(octets, 0, octets.length, space, transportCode.stream, reply, 0)
      responder.offline()
      return length === MISS ? undefined : reply.subarray(0, length)
    },
  }
}

export function question(name: string, type: string): Message {
  const number = typeNumber(type)
  if (number === undefined) throw new Error(`no type ${type}`)
  return { ...queryMessage(parseName(name), number, true), id: 4711 }
}

export function queryFor(request: Message, elsewhere: Elsewhere): Query {
  const [{ name: qname, type: qtype, class: qclass }] = request.questions
  const address = { address: '127.0.0.1', port: 53 }
  return {
    request,
    qname,
    name: lowerName(qname),
    qtype,
    qclass,
    transport: 'tcp',
    client: address,
    local: address,
    zone: '.',
    server: 'dns://:53',
    view: '',
    receivedAt: 0,
    budget: questionBudget(),
    async lookup(name, type): Promise<Outcome> {
      const key = Object.keys(elsewhere).find((asked) => asked === `${name} ${type === 1 ? 'A' : 'AAAA'}`)
      if (key === undefined) return { kind: 'rcode', rcode: 2, plugin: 'forward' }
      const message = replyTo(request, { answer: elsewhere[key].map(parseRecord) })
      return { kind: 'reply', message, plugin: 'forward' }
    },
  }
}

function messageOf(outcome: Outcome, request: Message): Message {
  if (outcome.kind === 'drop') throw new Error('the plugin dropped the query')
  return outcome.kind === 'reply' ? outcome.message : replyTo(request, { rcode: outcome.rcode })
}
