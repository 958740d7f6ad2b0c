/** Why a name is answered as it is: server block, plugins passed, table or chain. Behind `slicedns explain`. */
import { createServer, type Server as HttpServer } from 'node:http'
import { rcodeName, typeName, typeNumber } from '../dns/codes.ts'
import type { Message } from '../dns/message.ts'
import { isSubdomain, lowerName, NameError, parseName } from '../dns/name.ts'
import { queryMessage } from '../dns/query.ts'
import { recordText } from '../dns/rdata.ts'
import { replyTo } from '../dns/reply.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { explainLines } from '../plugin/capabilities/explain.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { Outcome } from '../plugin/query.ts'
import { systemClock } from '../scheduling/clock.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { ListenerPlan } from './block.ts'
import { claimsOn } from './claims.ts'
import { queryFor } from './dispatch.ts'
import type { Listener } from './ingress.ts'
import type { TableProbe } from './probe.ts'
import type { Server } from './server.ts'

export interface Explanation {
  readonly name: string
  readonly type: string
  /** The listener asked, as metrics name it. */
  readonly listener: string
  /** The zone of the server block that takes the query; '' when none does. */
  readonly zone: string
  readonly path: 'table' | 'chain'
  /** Why the table has no answer; '' when it has. */
  readonly reason: string
  /** Each plugin in chain order, with what it says of this query. */
  readonly steps: readonly { readonly plugin: string; readonly lines: readonly string[] }[]
  readonly rcode: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
}

/** Explains what each listener would answer. Throws NameError or RangeError on a bad name or type. */
export async function explain(
  server: Server,
  probe: TableProbe,
  nameText: string,
  typeText: string,
): Promise<Explanation[]> {
  const type = typeNumber(typeText.toUpperCase())
  if (type === undefined) throw new RangeError(`unknown record type '${typeText}': use A, AAAA, SRV, … or TYPE123`)
  const name = parseName(nameText)
  const running = server.current()
  return Promise.all(
    running.listeners.map((listener) =>
      explainOn(server, probe, listener, running.planOf(listener.space)!, name, type),
    ),
  )
}

async function explainOn(
  server: Server,
  probe: TableProbe,
  listener: Listener,
  plan: ListenerPlan,
  name: string,
  type: number,
): Promise<Explanation> {
  const routed = plan.router.route(lowerName(name), type)
  const request = queryMessage(name, type, true)
  const table = probe(listener.space, request)
  const asked = {
    transport: 'tcp' as const,
    client: { address: '127.0.0.1', port: 0 },
    local: { address: listener.address || '127.0.0.1', port: listener.port },
    receivedAt: systemClock.now(),
    unrecorded: true,
  }
  const reply = table.reply ?? messageOf(await server.dispatcher.outcome(request, plan, asked), request)
  const budget = server.budgets.open(asked.receivedAt)
  const noLookup = async (): Promise<Outcome> => ({ kind: 'drop', plugin: '' })
  const query = { ...queryFor(request, plan, { ...asked, budget }, noLookup), zone: routed?.zone ?? '' }
  const plugins = routed?.block.plugins ?? []
  const source = plugins.find(({ instance }) =>
    capabilityOf(instance, compiledSource)?.zones.some((zone) => isSubdomain(zone, query.name)),
  )
  const claims = source ? claimsOn(plugins, source.plugin, query) : []
  return {
    name,
    type: typeName(type),
    listener: plan.server,
    zone: routed?.zone ?? '',
    path: table.reply ? 'table' : 'chain',
    reason: table.reply ? '' : [table.reason, ...claims.map(({ plugin, reason }) => `${plugin}: ${reason}`)].join('; '),
    steps: plugins.map(({ plugin, instance }) => ({
      plugin,
      lines: capabilityOf(instance, explainLines)?.(query) ?? [],
    })),
    rcode: reply ? rcodeName(reply.rcode) : 'no reply',
    answer: reply?.answer.map(recordText) ?? [],
    authority: reply?.authority.map(recordText) ?? [],
    additional: reply?.additional.map(recordText) ?? [],
  }
}

function messageOf(outcome: Outcome, request: Message): Message | undefined {
  if (outcome.kind === 'drop') return undefined
  return outcome.kind === 'reply' ? outcome.message : replyTo(request, { rcode: outcome.rcode })
}

/**
 * Listens where `slicedns explain` finds this process: an abstract Unix socket named after its pid (only Linux has
 * them; it needs no file system and vanishes with the process), elsewhere a socket file in the temporary folder.
 */
export function listenForExplain(
  path: string,
  ask: (name: string, type: string) => Promise<Explanation[]>,
  log: Logger,
): HttpServer {
  const http = createServer((request, response) => {
    const url = URL.parse(request.url ?? '', 'http://localhost')
    const send = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(`${JSON.stringify(body, undefined, 2)}\n`)
    }
    if (url?.pathname !== '/explain') return send(404, { error: 'only /explain?name=NAME&type=TYPE is here' })
    ask(url.searchParams.get('name') ?? '', url.searchParams.get('type') ?? 'A').then(
      (explanations) => send(200, explanations),
      (error: unknown) => {
        const bad = error instanceof NameError || error instanceof RangeError
        send(bad ? 400 : 500, { error: errorMessage(error) })
      },
    )
  })
  http.requestTimeout = 5_000
  http.maxConnections = 16
  http.on('error', (error) => log.warning(`slicedns explain cannot reach this process: ${error.message}`))
  http.listen(path)
  http.unref()
  return http
}
