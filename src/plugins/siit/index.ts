import { argCount, custom, fail, ip, readBody, value } from '../../corefile/read.ts'
import type { BodyLine, DirectiveSchema, Token } from '../../corefile/schema.ts'
import { formatAddress, inPrefix, type Prefix, parseAddress } from '../../dns/address.ts'
import { extractIPv4 } from '../../dns/address-translation.ts'
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
  /** Explicit address mappings (RFC 7757): IPv4 octets by the text of the IPv6 address. */
  readonly mappings: ReadonlyMap<string, Uint8Array>
}

const rows = {
  ipv6_prefix: custom({ min: 1, max: 1 }, ({ args }) => readPrefix(args[0]), {
    default: wellKnownPrefix,
    closes: true,
  }),
  eam: custom<ReadonlyMap<string, Uint8Array>, ReadonlyMap<string, Uint8Array>>(
    { min: 2, max: 2 },
    (line, before = new Map()) => new Map([...before, readMapping(line)]),
    { default: new Map() },
  ),
}

const schema: DirectiveSchema<Settings> = {
  usage: 'siit { [ipv6_prefix PREFIX] | [eam IPV4 IPV6] }',
  repeat: 'many',
  read({ occurrences }) {
    for (const directive of occurrences) argCount(directive, 0, 0)
    const body = occurrences.flatMap((directive) => directive.body ?? [])
    const { ipv6_prefix, eam } = readBody({ ...occurrences[0], body }, rows)
    return { prefix: ipv6_prefix, mappings: eam }
  },
}

function readPrefix(token: Token): Prefix {
  const prefix = readTranslationPrefix(token, 'ipv6_prefix')
  // RFC 6052 §2.2.
  if (prefix.address[8] !== 0) throw fail(`invalid prefix '${token.text}': octet 8 (bits 64 to 71) must be zero`, token)
  return prefix
}

function readMapping({ args: [v4, v6] }: BodyLine): readonly [string, Uint8Array] {
  const [from, to] = [v4, v6].map((token) => unmapped(parseAddress(value(ip(), token, 'eam'))!))
  if (from.length !== 4) throw fail(`'${v4.text}' is not an IPv4 address`, v4)
  if (to.length !== 16) throw fail(`'${v6.text}' is not an IPv6 address`, v6)
  return [formatAddress(to), from]
}

/** `::ffff:192.0.2.1` is an IPv4 address to CoreDNS (RFC 4291 §2.5.5.2). */
function unmapped(address: Uint8Array): Uint8Array {
  const isMapped = address.length === 16 && address.subarray(0, 12).every((octet, at) => octet === (at < 10 ? 0 : 0xff))
  return isMapped ? address.subarray(12) : address
}

/** Synthesises A records from AAAA records where IPv6 hosts are reached by mapped IPv4 addresses (RFC 7755, 7757). */
export const siit: Plugin<Settings> = {
  name: 'siit',
  schema,
  setup(settings, { directive, metrics }) {
    const translated = metrics.counter(
      'coredns_siit_requests_translated_total',
      'Queries answered with A records made of AAAA records.',
      ['server'],
    )
    return {
      async handler(query, next) {
        // The plugin's own lookup, or that of `dns64` for it: the two would call each other without end.
        if (query.passing?.has('siit')) return next(query)
        if (query.qtype !== type.A || query.qclass !== dnsClass.IN) return next(query)
        const outcome = await next(query)
        if (outcome.kind !== 'reply' || !isTranslatable(outcome.message)) return outcome
        const found = await query.lookup(query.name, type.AAAA, 'siit')
        if (found.kind !== 'reply')
          return { kind: 'rcode', rcode: found.kind === 'rcode' ? found.rcode : rcode.SERVFAIL, plugin: 'siit' }
        const synthesised =
          found.message.rcode === rcode.NOERROR
            ? synthesise(outcome.message, found.message, settings)
            : found.message.answer
        if (synthesised === undefined) return outcome
        if (found.message.rcode === rcode.NOERROR && !query.unrecorded) translated.with(query.server).inc()
        // The reply is new, so it takes RD from the request that the later plugins saw.
        const { requestRecursionDesired: recursionDesired } = outcome
        return { ...reply(query, found.message, synthesised), recursionDesired }
      },
      provides: [
        provide(
          transparency,
          transparencyOf([
            {
              names: everyName,
              types: [type.A],
              existingNames: true,
              reason: 'siit may make A records out of AAAA records',
              at: directive.at,
            },
          ]),
        ),
      ],
    }
  },
}

function isTranslatable({ opcode: operation, truncated, rcode: code, answer }: Message): boolean {
  const isDenied = operation === opcode.QUERY && code === rcode.NXDOMAIN && answer.length === 0
  if (truncated || isDenied) return false
  return !answer.some((record) => record.type === type.A)
}

/** Undefined where no address can be translated: the answer stays unchanged. */
function synthesise(without: Message, found: Message, settings: Settings): readonly ResourceRecord[] | undefined {
  const soaTtl = without.authority.findLast((record) => record.type === type.SOA)?.ttl ?? ttlWithoutSoa
  let mapped = false
  const answer = found.answer.flatMap((record): readonly ResourceRecord[] => {
    if (record.type !== type.AAAA) return [record]
    const rdata = toIPv4(record.rdata, settings)
    if (rdata === undefined) return []
    mapped = true
    return [{ ...record, type: type.A, ttl: Math.min(record.ttl, soaTtl), rdata }]
  })
  return mapped ? answer : undefined
}

/** Explicit mappings take precedence over the prefix (RFC 7757 §3.3.2). */
function toIPv4(v6: Uint8Array, { prefix, mappings }: Settings): Uint8Array | undefined {
  const mapped = mappings.get(formatAddress(v6))
  if (mapped !== undefined) return mapped
  return inPrefix(prefix, v6) ? extractIPv4(prefix.bits, v6) : undefined
}

/** Turns the reply to the AAAA lookup into one to the query. */
function reply({ request }: Query, found: Message, answer: readonly ResourceRecord[]): Outcome {
  const { rcode, authoritative, recursionAvailable, truncated, authority, additional, edns } = found
  const message = replyTo(request, { rcode, authoritative, answer, authority, additional, ...(edns && { edns }) })
  return { kind: 'reply', plugin: 'siit', message: { ...message, recursionAvailable, truncated } }
}
