import { resolve } from 'node:path'
import { rcode, type } from '../../dns/codes.ts'
import { infoCode } from '../../dns/extended-error.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { innermostZone, isSubdomain } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import type { SigningKey } from '../../dnssec/key.ts'
import { keyFileBase, readKeyFiles } from '../../dnssec/key-files.ts'
import { type Decision, decisions } from '../../plugin/capabilities/decisions.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { type Provided, provide } from '../../plugin/capability.ts'
import type { FileReading, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { exactMatcher, zoneMatcher } from '../../plugin/name-matcher.ts'
import type { Outcome, Query, Reply } from '../../plugin/query.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import { createDnssecMetrics } from './metrics.ts'
import { type DnssecSettings, schema } from './settings.ts'
import { planSigning, type SigningPlan } from './sign-reply.ts'
import { createSignatures, type Signed } from './signatures.ts'

const plugin = 'dnssec'

/** Seconds: the TTL of the DNSKEY set's signatures. */
const keyTtl = 3600

/** Signs replies on the fly (RFC 4033 to 4035). */
export const dnssec: Plugin<DnssecSettings> = {
  name: plugin,
  schema,
  readFiles: (settings, reading) => void readKeys(settings, reading),
  setup,
}

function setup(settings: DnssecSettings, setup: Setup): Instance {
  const { clock, metrics, block } = setup
  const { zones, capacity } = settings
  const keys = readKeys(settings, setup)
  const signatures = createSignatures({ keys, capacity, clock })
  const counted = createDnssecMetrics(metrics, block, () => signatures.size)
  const now = () => clock.wall() / 1000
  const zoneOf = (name: string) => innermostZone(zones, name)

  function signed(query: Query, outcome: Outcome, zone: string): Outcome | Promise<Outcome> {
    // Zone transfers are not signed.
    if (outcome.kind !== 'reply' || outcome.moreMessages !== undefined) return outcome
    return withSignatures(query, outcome, planSigning(query, outcome.message, zone, { zoneOf, now }))
  }

  function withSignatures(query: Query, reply: Reply, { sets, finish }: SigningPlan): Outcome | Promise<Outcome> {
    const cells = counted.of(query.server)
    const count = (kept: boolean) => {
      if (!query.unrecorded) (kept ? cells.hits : cells.misses).inc()
    }
    const found = signatures.of(sets, query.client.address, count)
    if (found === undefined) {
      cells.refused.inc()
      return {
        kind: 'rcode',
        rcode: rcode.SERVFAIL,
        plugin,
        ofQuestion: true,
        extendedError: { code: infoCode.networkError },
      }
    }
    const finished = (all: readonly Signed[]): Outcome => ({ ...reply, message: finish(all) })
    return found instanceof Promise ? found.then(finished) : finished(found)
  }

  function answerKeys(query: Query, zone: string): Outcome | Promise<Outcome> {
    const answer = keys.map(({ record }): ResourceRecord => ({ ...record, name: zone }))
    const reply: Reply = { kind: 'reply', plugin, message: replyTo(query.request, { authoritative: true, answer }) }
    if (!query.request.edns?.dnssecOk || answer.length === 0) return reply
    const set = { rrset: answer, signer: zone, section: 'answer', ttl: keyTtl } as const
    const finish = ([each]: readonly Signed[]) => ({
      ...reply.message,
      answer: [...answer, ...each.map((rdata) => ({ ...answer[0], type: type.RRSIG, ttl: keyTtl, rdata }))],
    })
    return withSignatures(query, reply, { sets: [set], finish })
  }

  return {
    handler(query, next) {
      const zone = zoneOf(query.name)
      if (zone === undefined) return next(query)
      if (query.qtype === type.DNSKEY && query.name === zone) return answerKeys(query, zone)
      const outcome = next(query)
      if (!query.request.edns?.dnssecOk) return outcome
      return outcome instanceof Promise
        ? outcome.then((each) => signed(query, each, zone))
        : signed(query, outcome, zone)
    },
    provides: passages(settings, setup),
    stop: counted.stop,
  }
}

function readKeys({ keys, zones }: DnssecSettings, { block, fail }: FileReading): readonly SigningKey[] {
  return keys.map(({ text, at }) => {
    const key = readKey(resolve(block.root, keyFileBase(text)), (reason) => fail(reason, at))
    const { name } = key.record
    if (!zones.some((zone) => isSubdomain(name.toLowerCase(), zone)))
      return fail(`key ${name} (keyid: ${key.tag}) can not sign any of the zones ${zones.join(' ')}`, at)
    return key
  })
}

function readKey(base: string, fail: (reason: string) => never): SigningKey {
  try {
    return readKeyFiles(base)
  } catch (error) {
    return fail(`cannot read a key: ${errorMessage(error)}`)
  }
}

/**
 * The chain answers DNSKEY queries, and queries with DO, which must not get answers that were compiled without
 * signatures.
 */
function passages({ zones }: DnssecSettings, { directive: { at } }: Setup): Provided[] {
  const questions = (zone: string) => ({ zone, names: 'zone', texts: [], types: [] }) as const
  const list = zones.flatMap((zone): Decision[] => [
    { questions: { ...questions(zone), names: 'apex', types: [type.DNSKEY] }, action: 'chain' },
    { questions: questions(zone), action: 'signed' },
  ])
  const rules = zones.flatMap((zone) => [
    { names: exactMatcher(zone), types: [type.DNSKEY], reason: `dnssec answers the keys of ${zone}`, at },
    { names: zoneMatcher(zone), reason: `dnssec signs answers in ${zone} for clients that set DO`, at },
  ])
  return [provide(decisions, { list, complete: true }), provide(transparency, transparencyOf(rules))]
}
