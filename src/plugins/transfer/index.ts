import { rcode, type } from '../../dns/codes.ts'
import { readSoa } from '../../dns/rdata.ts'
import { replyTo } from '../../dns/reply.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Outcome, Query, RcodeOnly } from '../../plugin/query.ts'
import type { Logger } from '../../telemetry/log.ts'
import { type TransferSource, transferSource, type ZoneSnapshot } from './capability.ts'
import { transferMessages } from './messages.ts'
import { createNotifier } from './notify.ts'
import { type Rule, ruleFor, schema } from './settings.ts'

const plugin = 'transfer'

/** Transfers zones of the block's other plugins to secondaries, and notifies them of changes. */
export const transfer: Plugin<readonly Rule[]> = { name: plugin, schema, setup }

function setup(rules: readonly Rule[], { block, clock, log }: Setup): Instance {
  const sources = (): TransferSource[] => block.capabilities(transferSource).map(({ value }) => value)
  const notifier = createNotifier({ rules, sources, clock, log })
  return {
    handler(query, next) {
      if (query.qtype !== type.AXFR && query.qtype !== type.IXFR) return next(query)
      // A transfer needs a stream that carries many messages (RFC 5936 §4.2). CoreDNS does not answer IXFR over UDP
      // either.
      if (query.transport === 'udp' || query.transport === 'https' || query.transport === 'grpc')
        return rcodeOnly(rcode.REFUSED)
      const rule = ruleFor(rules, query.name)
      if (!rule) return next(query)
      if (!isAllowed(rule, query)) {
        return { kind: 'reply', message: replyTo(query.request, { rcode: rcode.REFUSED }), plugin }
      }
      const serial = query.qtype === type.AXFR ? 0 : clientSerial(query)
      if (serial === undefined)
        return rcodeOnly(rcode.SERVFAIL, new Error('IXFR requires one SOA record in the authority section'))
      const source = sources().find(({ zones }) => zones.includes(query.name))
      return source ? answer(query, serial, source, log) : next(query)
    },
    serving: notifier.start,
    stop: notifier.stop,
  }
}

const isAllowed = ({ to }: Rule, { client }: Query): boolean => to === 'anyone' || to.has(client.address)

const rcodeOnly = (code: number, error?: Error): RcodeOnly => ({
  kind: 'rcode',
  rcode: code,
  plugin,
  ...(error && { error }),
})

/** `serial`: that of the client's zone. */
function answer(query: Query, serial: number, source: TransferSource, log: Logger): Outcome {
  const zone = source.snapshot(query.name)
  // With half of a zone, secondaries would deny the other half.
  if (!zone) return rcodeOnly(rcode.SERVFAIL, new Error('the zone is not completely known yet'))
  // Serial 0 asks for everything, as in CoreDNS.
  if (serial !== 0 && serial === zone.serial) {
    log.info(
      `Outgoing noop, incremental transfer for up to date zone "${query.name}" to ${query.client.address} for ${serial} SOA serial`,
    )
    const message = replyTo(query.request, { authoritative: false, answer: [zone.soa] })
    return { kind: 'reply', message, plugin }
  }
  return wholeZone(query, zone, log)
}

/** The serial of the client's zone (RFC 1995 §3). */
function clientSerial({ request: { authority } }: Query): number | undefined {
  const [soa] = authority
  if (authority.length !== 1 || soa.type !== type.SOA || soa.rdata.length === 0) return undefined
  return readSoa(soa.rdata).serial
}

function wholeZone(query: Query, zone: ZoneSnapshot, log: Logger): Outcome {
  const done = (records: number): void =>
    log.info(
      `Outgoing transfer of ${records} records of zone "${query.name}" to ${query.client.address} for ${zone.serial} SOA serial`,
    )
  const following = transferMessages(query.request, zone, done)
  const first = following.next()
  if (first.done) throw new Error('a zone without a message')
  return { kind: 'reply', message: first.value, plugin, moreMessages: following }
}
