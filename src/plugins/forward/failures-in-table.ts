/** Publishes kept failures to the answer table, so that UDP threads leave these questions to the chain. */
import { dnsClass, rcode } from '../../dns/codes.ts'
import { replyTo } from '../../dns/reply.ts'
import { encodeMessage } from '../../dns/wire.ts'
import type { ReplySink, ReplySource } from '../../plugin/capabilities/reply-source.ts'
import type { Query } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'

export interface FailuresInTable extends ReplySource {
  /** `until`: milliseconds of the monotonic clock. */
  put(query: Query, until: number): void
}

export function createFailuresInTable(clock: Clock): FailuresInTable {
  const sinks = new Set<ReplySink>()
  return {
    attach(sink) {
      sinks.add(sink)
      return { detach: () => void sinks.delete(sink) }
    },
    put({ name, qtype, qclass, request }, until) {
      if (sinks.size === 0 || qclass !== dnsClass.IN) return
      const entry = {
        name,
        type: qtype,
        dnssecOk: request.edns?.dnssecOk ?? false,
        checkingDisabled: request.checkingDisabled,
        reply: encodeMessage(replyTo(request, { rcode: rcode.SERVFAIL }), { limit: 0xffff }),
        storedAt: clock.now(),
        expiresAt: until,
        authenticData: false,
      }
      for (const sink of sinks) sink.put(entry)
    },
  }
}
