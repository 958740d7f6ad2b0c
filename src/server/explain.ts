/** Why a name is answered as it is: server block, plugins passed, table or chain. Behind `slicedns explain`. */
import { missReason } from '../answer/misses.ts'
import type { LastReload } from '../console/state.ts'
import { rcodeName, typeName, typeNumber } from '../dns/codes.ts'
import type { Message } from '../dns/message.ts'
import { isSubdomain, lowerName, parseName } from '../dns/name.ts'
import { queryMessage } from '../dns/query.ts'
import { recordText } from '../dns/rdata.ts'
import { replyTo } from '../dns/reply.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { explainLines } from '../plugin/capabilities/explain.ts'
import { relayTarget } from '../plugin/capabilities/relay.ts'
import { replySource } from '../plugin/capabilities/reply-source.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { Outcome } from '../plugin/query.ts'
import { systemClock } from '../scheduling/clock.ts'
import type { Server } from './api.ts'
import type { ListenerPlan } from './block.ts'
import { claimsOn } from './claims.ts'
import { queryFor } from './dispatch.ts'
import type { Listener } from './ingress.ts'
import type { TableProbe } from './probe.ts'

export interface Explanation {
  readonly name: string
  readonly type: string
  /** The listener, as metrics name it. */
  readonly listener: string
  /** The zone of the server block that takes the query; '' when none does. */
  readonly zone: string
  /** `relay`: UDP threads pass the question to an upstream, and its answer to the client. */
  readonly path: 'table' | 'relay' | 'chain'
  /** Why the table has no answer; '' when it has one. */
  readonly reason: string
  /** Why UDP threads do not relay the question; '' when they do, when the table answers, or when nothing is forwarded. */
  readonly notRelayed: string
  /** Each plugin in chain order, with its explanation of this query. */
  readonly steps: readonly { readonly plugin: string; readonly lines: readonly string[] }[]
  readonly rcode: string
  readonly answer: readonly string[]
  readonly authority: readonly string[]
  readonly additional: readonly string[]
  /** The last reload, if it failed: the previous configuration is being explained. */
  readonly lastReload?: LastReload
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
  const hasExpired = table.missReason === missReason.expired
  const notRelayed = table.relayable ? listener.relay?.reasonOfChain(query.name, type, hasExpired) : undefined
  const isRelayed = table.relayable && listener.relay !== undefined && notRelayed === undefined
  // Not reported for blocks that forward nothing.
  const forwards = plugins.some(({ instance }) => capabilityOf(instance, relayTarget))
  const behind = source ?? plugins.find(({ instance }) => capabilityOf(instance, replySource))
  const lastReload = server.lastReload()
  const claims = claimsOn(plugins, behind?.plugin, query, table.missReason)
  return {
    name,
    type: typeName(type),
    listener: plan.server,
    zone: routed?.zone ?? '',
    path: table.reply ? 'table' : isRelayed ? 'relay' : 'chain',
    reason: table.reply ? '' : [table.reason, ...claims.map(({ plugin, reason }) => `${plugin}: ${reason}`)].join('; '),
    notRelayed: (forwards && notRelayed) || '',
    steps: plugins.map(({ plugin, instance }) => ({
      plugin,
      lines: capabilityOf(instance, explainLines)?.(query) ?? [],
    })),
    rcode: reply ? rcodeName(reply.rcode) : 'no reply',
    answer: reply?.answer.map(recordText) ?? [],
    authority: reply?.authority.map(recordText) ?? [],
    additional: reply?.additional.map(recordText) ?? [],
    ...(lastReload && !lastReload.ok && { lastReload }),
  }
}

function messageOf(outcome: Outcome, request: Message): Message | undefined {
  if (outcome.kind === 'drop') return undefined
  return outcome.kind === 'reply' ? outcome.message : replyTo(request, { rcode: outcome.rcode })
}
