import { isIP } from 'node:net'
import { custom, fail, ip, type Kind, readBody, value, zonesOf } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { canonicalAddress } from '../../dns/address.ts'
import { isSubdomain } from '../../dns/name.ts'
import type { SocketAddress } from '../../plugin/query.ts'

/** One `transfer` of a block. */
export interface Rule {
  readonly zones: readonly string[]
  /** The clients that may transfer the zones: addresses in canonical text, or anyone. */
  readonly to: ReadonlySet<string> | 'anyone'
  /** The secondaries to notify of changes. */
  readonly notify: readonly SocketAddress[]
  /** The address that NOTIFY is sent from; undefined for any. */
  readonly source: string | undefined
}

const dnsPort = 53
const highestPort = 65_535

interface Peer {
  readonly address: string
  /** 0 for an invalid port, which CoreDNS accepts, and fails to send to. */
  readonly port: number
}

const peer: Kind<Peer> = {
  expected: "an IP address, perhaps with a port, or '*'",
  parse(word) {
    if (isIP(word)) return { address: canonical(word), port: dnsPort }
    const [, inBrackets, plain, port] = /^(?:\[([^[\]]*)\]|([^:[\]]*)):(.*)$/.exec(word) ?? []
    const address = inBrackets ?? plain
    if (address === undefined || !isIP(address)) return undefined
    const number = port === '' ? dnsPort : Number(port)
    return { address: canonical(address), port: /^\d*$/.test(port) && number <= highestPort ? number : 0 }
  },
}

const rows = {
  to: custom({ min: 1 }, ({ args }, before: readonly (Peer | '*')[] = []) => [
    ...before,
    ...args.map((word) => (word.text === '*' ? '*' : value(peer, word, 'to'))),
  ]),
  source: custom({ min: 1, max: 1 }, ({ args: [word] }) => canonical(value(ip(), word, 'source')), { repeat: 'once' }),
}

export const schema: DirectiveSchema<readonly Rule[]> = {
  usage: 'transfer [ZONES...] { to ADDRESS... | source ADDRESS }',
  repeat: 'many',
  read: ({ occurrences, zones }) => occurrences.map((directive) => readRule(directive, zones)),
}

function readRule(directive: Directive, blockZones: readonly string[]): Rule {
  const { to, source } = readBody(directive, rows)
  if (!to) throw fail("'to' is required: ADDRESS... that may transfer the zones, or * for anyone", directive)
  const peers = to.filter((each) => each !== '*')
  return {
    zones: zonesOf(directive.args, blockZones),
    to: peers.length < to.length ? 'anyone' : new Set(peers.map(({ address }) => address)),
    notify: peers.filter(({ port }) => port !== 0),
    source,
  }
}

const canonical = (address: string): string => canonicalAddress(address) ?? address

/** The rule with the longest zone that contains the name (lower case); the first of several. */
export function ruleFor(rules: readonly Rule[], name: string): Rule | undefined {
  let found: Rule | undefined
  let longest = -1
  for (const rule of rules)
    for (const zone of rule.zones)
      if (zone.length > longest && isSubdomain(zone, name)) {
        found = rule
        longest = zone.length
      }
  return found
}
