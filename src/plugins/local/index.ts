import { argCount, oneOf, option, readBody } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { dnsClass, rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { isSubdomain } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { type ReplyParts, replyTo } from '../../dns/reply.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { prefixMatcher, zoneMatcher } from '../../plugin/name-matcher.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'
import type { CounterCell, MetricsRegistry } from '../../telemetry/metrics.ts'

interface Settings {
  /** Whether `localhost.` before any domain is this host, too. */
  readonly prefix: boolean
}

/** Seconds: a week. */
const ttl = 604_800
/** Zones that are answered on the host (RFC 6761 §6.3, RFC 6303 §4.2). */
const zones = ['localhost.', '0.in-addr.arpa.', '127.in-addr.arpa.', '255.in-addr.arpa.']

const schema: DirectiveSchema<Settings> = {
  usage: 'local { localhost_prefix on|off }',
  repeat: 'many',
  read({ occurrences }) {
    for (const directive of occurrences) argCount(directive, 0, 0)
    const body = occurrences.flatMap(({ body = [] }) => body)
    const { localhost_prefix } = readBody(
      { ...occurrences[0], body },
      { localhost_prefix: option(oneOf(['on', 'off'])) },
    )
    return { prefix: localhost_prefix !== 'off' }
  },
}

/** Answers localhost and its reverse zones, which no upstream can know. */
export const local: Plugin<Settings> = {
  name: 'local',
  schema,
  registerMetrics: (metrics) => void requestCounter(metrics),
  setup({ prefix }, { directive: { at }, metrics }) {
    const count = requestCounter(metrics)
    const beginsWithLocalhost = (name: string) =>
      prefix && name.length > zones[0].length && name.startsWith('localhost.')
    const rules = zones.map((zone) => ({ names: zoneMatcher(zone), reason: `local answers ${zone}`, at }))
    const prefixRule = {
      names: prefixMatcher('localhost.'),
      reason: 'local answers names that begin with localhost',
      at,
    }
    return {
      handler(query, next) {
        if (query.name.endsWith('.localhost.') || beginsWithLocalhost(query.name)) {
          if (!query.unrecorded) count.inc()
          return reply(query, localhost(query))
        }
        const zone = zones.find((candidate) => isSubdomain(candidate, query.name))
        return zone === undefined ? next(query) : reply(query, answerIn(zone, query))
      },
      provides: [provide(transparency, transparencyOf(prefix ? [...rules, prefixRule] : rules))],
    }
  },
}

const requestCounter = (metrics: MetricsRegistry): CounterCell =>
  metrics
    .counter('coredns_local_localhost_requests_total', 'Queries for names below localhost, or that begin with it.', [])
    .with()

function reply({ request }: Query, parts: ReplyParts): Outcome {
  return { kind: 'reply', plugin: 'local', message: replyTo(request, parts) }
}

/** This host, under any name. */
function localhost({ qname, qtype }: Query): ReplyParts {
  if (qtype === type.A) return { answer: [record(qname, qtype, rdata.a('127.0.0.1'))] }
  if (qtype === type.AAAA) return { answer: [record(qname, qtype, rdata.aaaa('::1'))] }
  return { authority: [soa(qname)] }
}

function answerIn(zone: string, query: Query): ReplyParts {
  const { qname, qtype, name } = query
  if (name === zone) {
    if (qtype === type.SOA) return { answer: [soa(qname)] }
    if (qtype === type.NS) return { answer: [record(qname, qtype, rdata.name('localhost.'))] }
    return zone === 'localhost.' ? localhost(query) : { authority: [soa(qname)] }
  }
  // The zone's name in the case of the query name.
  const apex = soa(qname.slice(-zone.length))
  if (name !== '1.0.0.127.in-addr.arpa.') return { rcode: rcode.NXDOMAIN, authority: [apex] }
  return qtype === type.PTR ? { answer: [record(qname, qtype, rdata.name('localhost.'))] } : { authority: [apex] }
}

const record = (name: string, number: number, octets: Uint8Array): ResourceRecord => ({
  name,
  type: number,
  class: dnsClass.IN,
  ttl,
  rdata: octets,
})

const soa = (name: string): ResourceRecord =>
  record(
    name,
    type.SOA,
    rdata.soa({
      mname: 'localhost.',
      rname: 'root.localhost.',
      serial: 1,
      refresh: 0,
      retry: 0,
      expire: 0,
      minimum: ttl,
    }),
  )
