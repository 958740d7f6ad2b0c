import { argCount, custom, flag, readBody } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import type { Prefix } from '../../dns/address.ts'
import { embedIPv4 } from '../../dns/address-translation.ts'
import { dnsClass, opcode, rcode, type } from '../../dns/codes.ts'
import type { Message, ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import { everyName } from '../../plugin/name-matcher.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { readTranslationPrefix, ttlWithoutSoa, wellKnownPrefix } from '../../plugin/translation-prefix.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'

interface Settings {
  readonly prefix: Prefix
  /** Synthesise even where there are AAAA records. */
  readonly translateAll: boolean
  /** Synthesise for clients that ask over IPv4, too. */
  readonly allowIPv4: boolean
}

const rows = {
  prefix: custom({ min: 1, max: 1 }, ({ args }) => readTranslationPrefix(args[0], 'prefix'), { closes: true }),
  translate_all: flag({ closes: true }),
  allow_ipv4: flag({ closes: true }),
}

const schema: DirectiveSchema<Settings> = {
  usage: 'dns64 [PREFIX] { [prefix PREFIX] | translate_all | allow_ipv4 }',
  repeat: 'many',
  read({ occurrences }) {
    const found = occurrences.flatMap(usesOf).map(readOne)
    return {
      prefix: found.findLast(({ prefix }) => prefix)?.prefix ?? wellKnownPrefix,
      translateAll: found.some(({ translate_all }) => translate_all),
      allowIPv4: found.some(({ allow_ipv4 }) => allow_ipv4),
    }
  },
}

/**
 * With a prefix on its line CoreDNS does not look for a block: the lines of one count as occurrences of the directive.
 */
function usesOf(directive: Directive): readonly Directive[] {
  const { args, body = [] } = directive
  if (args.length !== 1) return [directive]
  const lines = body.map((line) => ({ word: directive.word, at: line.word.at, args: line.args, body: undefined }))
  return [{ ...directive, body: undefined }, ...lines]
}

function readOne(directive: Directive) {
  argCount(directive, 0, 1)
  const [word] = directive.args
  const options = readBody(directive, rows)
  return word === undefined ? options : { ...options, prefix: readTranslationPrefix(word, 'dns64') }
}

/** Synthesises AAAA records from A records for clients that have only IPv6 (RFC 6147). */
export const dns64: Plugin<Settings> = {
  name: 'dns64',
  schema,
  setup(settings, { directive, metrics }) {
    const translated = metrics.counter(
      'coredns_dns64_requests_translated_total',
      'Queries answered with synthesised AAAA records.',
      ['server'],
    )
    const isAsked = (query: Query) =>
      query.qtype === type.AAAA &&
      query.qclass === dnsClass.IN &&
      (settings.allowIPv4 || query.client.address.includes(':'))
    return {
      async handler(query, next) {
        if (!isAsked(query)) return next(query)
        const outcome = await next(query)
        if (outcome.kind !== 'reply' || !isTranslatable(outcome.message, settings)) return outcome
        const found = await query.lookup(query.name, type.A)
        if (found.kind === 'drop') return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'dns64' }
        if (!query.unrecorded) translated.with(query.server).inc()
        // The reply is new, so it takes RD from the request that the later plugins saw.
        const { requestRecursionDesired: recursionDesired } = outcome
        return { ...synthesise(query, outcome.message, found, settings.prefix), recursionDesired }
      },
      provides: [
        provide(
          transparency,
          transparencyOf([
            {
              names: everyName,
              types: [type.AAAA],
              existingNames: true,
              reason: 'dns64 may make AAAA records out of A records',
              at: directive.at,
            },
          ]),
        ),
      ],
    }
  },
}

/** RFC 6147 §5.1.2: a name that does not exist has no addresses; all other failures count as an empty answer. */
function isTranslatable({ opcode: operation, rcode: code, answer }: Message, { translateAll }: Settings): boolean {
  if (operation === opcode.QUERY && code === rcode.NXDOMAIN && answer.length === 0) return false
  return translateAll || !answer.some((record) => record.type === type.AAAA)
}

function synthesise(
  query: Query,
  without: Message,
  found: Exclude<Outcome, { kind: 'drop' }>,
  prefix: Prefix,
): Outcome {
  if (found.kind === 'rcode')
    return {
      kind: 'reply',
      plugin: 'dns64',
      message: replyTo(query.request, { rcode: found.rcode }),
      ...(found.error && { error: found.error }),
    }
  const { message } = found
  const soaTtl = without.authority.findLast((record) => record.type === type.SOA)?.ttl ?? ttlWithoutSoa
  const answer = message.answer.map((record): ResourceRecord => {
    if (record.type !== type.A) return record
    const rdata = embedIPv4(prefix.address, prefix.bits, record.rdata)
    return { ...record, type: type.AAAA, ttl: Math.min(record.ttl, soaTtl), rdata }
  })
  const { rcode, authority, additional, edns } = message
  const parts = { rcode, answer, authority, additional, ...(edns && { edns }) }
  return { kind: 'reply', plugin: 'dns64', message: { ...replyTo(query.request, parts), truncated: message.truncated } }
}
