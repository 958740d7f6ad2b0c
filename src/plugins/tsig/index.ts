import { resolve } from 'node:path'
import { rcode, type } from '../../dns/codes.ts'
import { isSubdomain } from '../../dns/name.ts'
import { replyTo } from '../../dns/reply.ts'
import { createReplySigner, type TsigKey, verifyRequest } from '../../dns/tsig.ts'
import { type TsigRecord, tsigError } from '../../dns/tsig-record.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { tsigKeys } from '../../plugin/capabilities/tsig-keys.ts'
import { type Provided, provide } from '../../plugin/capability.ts'
import type { Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { zoneMatcher } from '../../plugin/name-matcher.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'
import { withOutcome } from '../../plugin/with-outcome.ts'
import { type ListenerKeys, readKeys, sharedKeys } from './keys.ts'
import { schema, type TsigSettings } from './settings.ts'

const plugin = 'tsig'

/** Verifies the signatures of requests, and signs the replies to them (RFC 8945). */
export const tsig: Plugin<TsigSettings> = {
  name: plugin,
  schema,
  readFiles: (settings, reading) => void readKeys(settings, reading, (path) => resolve(path)),
  setup,
}

function setup(settings: TsigSettings, setup: Setup): Instance {
  const { block, clock, metrics, process } = setup
  const { zones } = settings
  const refused = metrics.counter('slicedns_tsig_refused_total', 'Signed requests that were refused.', ['error'])
  const own = readKeys(settings, setup, (path) => resolve(path))
  let held: Held<ListenerKeys> | undefined
  let shared: { remove(): void } | undefined

  /** A key is valid for every block of the listener, as in CoreDNS. */
  const find = (name: string, server: string | undefined): TsigKey | undefined =>
    own.get(name) ?? held?.value.find(server, name)

  function checked(query: Query, next: (query: Query) => Outcome | Promise<Outcome>): Outcome | Promise<Outcome> {
    const { request, octets = new Uint8Array() } = query
    const verdict = verifyRequest(octets, request, (name) => find(name, query.server), clock.wall())
    if (verdict.kind === 'formatError') return reply(query, rcode.FORMERR)
    const { record, key } = verdict
    if (verdict.kind === 'refused') {
      refused.with(errorText(verdict.error)).inc()
      return signed(reply(query, rcode.NOTAUTH), record, key, verdict.error)
    }
    const bare = { ...request, additional: request.additional.slice(0, -1) }
    const outcome = next({ ...query, request: bare, signedWith: record.keyName })
    return withOutcome(outcome, (each) => signed(each, record, key, tsigError.NONE))
  }

  const signed = (outcome: Outcome, record: TsigRecord, key: TsigKey | undefined, error: number): Outcome =>
    outcome.kind === 'drop' ? outcome : { ...outcome, signer: createReplySigner(record, key, error, clock.wall) }

  return {
    handler(query, next) {
      const { additional, opcode } = query.request
      const at = additional.findIndex((record) => record.type === type.TSIG)
      // RFC 8945 §5.1.
      if (at >= 0 && at < additional.length - 1) return reply(query, rcode.FORMERR)
      const isSigned = at >= 0
      const isRequired = has(settings.types, query.qtype) || has(settings.operations, opcode)
      if ((!isSigned && !isRequired) || !zones.some((zone) => isSubdomain(zone, query.name))) return next(query)
      return isSigned ? checked(query, next) : reply(query, rcode.REFUSED)
    },
    provides: [
      ...passages(settings, setup),
      provide(tsigKeys, { find: (name) => block.servers.map((server) => find(name, server)).find(Boolean) }),
    ],
    start() {
      held = process.acquire('tsig keys', sharedKeys)
      shared = held.value.add(block.servers, own)
    },
    stop() {
      shared?.remove()
      held?.release()
    },
  }
}

const has = (required: ReadonlySet<number> | 'all', number: number): boolean =>
  required === 'all' || required.has(number)

const reply = ({ request }: Query, code: number): Outcome => ({
  kind: 'reply',
  message: replyTo(request, { rcode: code }),
  plugin,
})

const errorText = (error: number): string =>
  error === tsigError.BADKEY ? 'BADKEY' : error === tsigError.BADTIME ? 'BADTIME' : 'BADSIG'

/**
 * Signed requests always go to the chain. Unsigned requests that must be signed must not be answered from the table.
 */
function passages({ zones, types, operations }: TsigSettings, { directive }: Setup): Provided[] {
  const everything = types === 'all' || has(operations, 0)
  if (!everything && types.size === 0) return [provide(relayPassage, passesEverything)]
  const rules = zones.map((zone) => ({
    names: zoneMatcher(zone),
    ...(everything ? {} : { types: [...(types as ReadonlySet<number>)] }),
    reason: `tsig requires signatures in ${zone}`,
    at: directive.at,
  }))
  return [provide(transparency, transparencyOf(rules))]
}
