import { rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { below, isSubdomain } from '../../dns/name.ts'
import { rdata } from '../../dns/rdata.ts'
import { record } from '../../dns/record.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Handler, Outcome, Query } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { closest } from '../../zone/closest.ts'
import type { Answer, Records } from './records.ts'

const plugin = 'etcd'

export interface HandlerOptions {
  readonly zones: readonly string[]
  readonly fallthrough: readonly string[]
  readonly records: Records
  readonly clock: Clock
}

export function createHandler({ zones, fallthrough, records, clock }: HandlerOptions): Handler {
  const own = new Set(zones)
  const fallsThrough = (name: string): boolean => fallthrough.some((zone) => isSubdomain(zone, name))

  /** A negative answer, with the zone's SOA for its TTL (RFC 2308 §3). */
  const denied = (query: Query, zone: string, code: number, error?: Error): Outcome => ({
    kind: 'reply',
    plugin,
    message: replyTo(query.request, { rcode: code, authoritative: true, authority: [soaOf(zone, clock)] }),
    ...(error && { error }),
  })

  return (query, next) => {
    const zone = closest(own, query.name)
    if (zone === undefined) return next(query)
    const failed = (error: unknown): Outcome =>
      denied(query, zone, rcode.SERVFAIL, error instanceof Error ? error : new Error(String(error)))
    const answered = ({ answer, additional, truncated }: Answer): Outcome =>
      answer.length === 0
        ? denied(query, zone, rcode.NOERROR)
        : {
            kind: 'reply',
            plugin,
            message: { ...replyTo(query.request, { authoritative: true, answer, additional }), truncated },
          }
    try {
      // SOA is answered with the apex's record at every name of the zone, as in CoreDNS.
      const found = query.qtype === type.SOA ? soaAnswer(zone, clock) : records(query, zone)
      if (found) return found instanceof Promise ? found.then(answered, failed) : answered(found)
    } catch (error) {
      return failed(error)
    }
    return fallsThrough(query.name) ? next(query) : denied(query, zone, rcode.NXDOMAIN)
  }
}

const soaAnswer = (zone: string, clock: Clock): Answer => ({
  answer: [soaOf(zone, clock)],
  additional: [],
  truncated: false,
})

/** The same fields as CoreDNS's. */
function soaOf(zone: string, clock: Clock): ResourceRecord {
  return record(
    zone,
    type.SOA,
    30,
    rdata.soa({
      mname: below('ns.dns', zone),
      rname: below('hostmaster', zone),
      serial: Math.floor(clock.wall() / 1000) >>> 0,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: 30,
    }),
  )
}
