import { inPrefix, parseAddress } from '../../dns/address.ts'
import { rcode } from '../../dns/codes.ts'
import { extendedErrorOption, infoCode } from '../../dns/extended-error.ts'
import type { Edns } from '../../dns/message.ts'
import { innermostZone } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import { type Decision, decisions } from '../../plugin/capabilities/decisions.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { zoneMatcher } from '../../plugin/name-matcher.ts'
import { forClient, type Outcome, type Query } from '../../plugin/query.ts'
import { type ClaimRule, transparencyOf } from '../../plugin/transparency-of.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import type { CounterCell, Family } from '../../telemetry/metrics.ts'
import { type Action, type Policy, type Rule, schema } from './settings.ts'

const plugin = 'acl'

/** Allows or refuses queries by zone, type and client address. */
export const acl: Plugin<readonly Rule[]> = { name: plugin, schema, setup }

function setup(rules: readonly Rule[], setup: Setup): Instance {
  const counters = createCounters(setup)
  return {
    handler(query, next) {
      let dependsOnClient = false
      for (const { zones, policies } of rules) {
        const zone = innermostZone(zones, query.name)
        if (zone === undefined) continue
        dependsOnClient ||= policies.some(({ networks }) => networks !== undefined)
        const action = decide(policies, query)
        if (action === undefined) continue
        if (action === 'allow') break
        if (!query.unrecorded) counters[action].with(query.server, zone, query.view).inc()
        return dependsOnClient ? forClient(refuse(action, query)) : refuse(action, query)
      }
      if (!query.unrecorded) counters.allow.with(query.server, query.view).inc()
      return dependsOnClient ? withOutcome(next(query), forClient) : next(query)
    },
    provides: [
      provide(transparency, transparencyOf(rules.flatMap(claimsOf))),
      provide(decisions, { list: rules.flatMap(decisionsOf), complete: true }),
    ],
  }
}

/** `allow` leaves answers as they are: only the other policies claim names. */
function claimsOf({ zones, policies }: Rule): readonly ClaimRule[] {
  const deciding = policies.filter(({ action }) => action !== 'allow')
  return deciding.flatMap(({ types, text, at }) =>
    zones.map((zone) => ({
      names: zoneMatcher(zone),
      types: types && [...types],
      reason: `acl ${zone} { ${text} }`,
      at,
    })),
  )
}

/**
 * Clients that a policy allows pass, clients that another policy matches go to the handler, and the next directive
 * decides about clients that no policy matches.
 */
function decisionsOf({ zones, policies }: Rule): readonly Decision[] {
  return policies.flatMap(({ action, types, networks }) =>
    zones.map((zone) => ({
      questions: { zone, names: 'zone', texts: [], types: [...(types ?? [])] },
      clients: networks,
      action: action === 'allow' ? 'pass' : 'chain',
    })),
  )
}

/** The action of the first policy that matches; an address that cannot be parsed is blocked. */
function decide(policies: readonly Policy[], { client, qtype }: Query): Action | undefined {
  const address = parseAddress(client.address.replace(/%.*$/s, ''))
  if (address === undefined) return 'block'
  return policies.find(
    ({ types, networks }) =>
      (types === undefined || types.has(qtype)) &&
      (networks === undefined || networks.some((network) => inPrefix(network, address))),
  )?.action
}

/** RFC 8914 §4.16 and §4.18. */
const extendedErrors = { block: infoCode.blocked, filter: infoCode.filtered } as const

function refuse(action: Exclude<Action, 'allow'>, { request }: Query): Outcome {
  if (action === 'drop') return { kind: 'drop', plugin }
  // RFC 6891 §7: a client without EDNS gets no OPT record.
  const edns: Edns | undefined = request.edns && {
    version: 0,
    payloadSize: 4096,
    dnssecOk: true,
    extendedRcode: 0,
    options: [{ code: extendedErrorOption, data: Uint8Array.of(0, extendedErrors[action]) }],
  }
  const message = replyTo(request, { rcode: action === 'block' ? rcode.REFUSED : rcode.NOERROR, ...(edns && { edns }) })
  return { kind: 'reply', plugin, message }
}

function createCounters({ metrics }: Setup): Readonly<Record<Action, Family<CounterCell>>> {
  const labels = ['server', 'zone', 'view']
  return {
    block: metrics.counter('coredns_acl_blocked_requests_total', 'Queries that acl blocked.', labels),
    filter: metrics.counter('coredns_acl_filtered_requests_total', 'Queries that acl filtered.', labels),
    drop: metrics.counter('coredns_acl_dropped_requests_total', 'Queries that acl dropped.', labels),
    allow: metrics.counter('coredns_acl_allowed_requests_total', 'Queries that acl allowed.', ['server', 'view']),
  }
}
