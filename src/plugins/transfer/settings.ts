import { custom, fail, ip, ipAndPort, readBody, value, where, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { canonicalAddress } from '../../dns/address.ts'
import { isSubdomain } from '../../dns/name.ts'
import type { SocketAddress } from '../../plugin/query.ts'

/** One `transfer` of a block. */
export interface Rule {
  readonly zones: readonly string[]
  /** Any address may have the zones. */
  readonly anyone: boolean
  /** Who may have them, and is told when they change. Addresses in canonical text. */
  readonly to: readonly SocketAddress[]
  /** The address that NOTIFY is sent from; undefined for any. */
  readonly source: string | undefined
}

const dnsPort = 53

const peer = where(ipAndPort(dnsPort), "an IP address, perhaps with a port, or '*'", ({ host }) => !host.includes('%'))

interface Peers {
  readonly anyone: boolean
  readonly to: readonly SocketAddress[]
}

const nobody: Peers = { anyone: false, to: [] }

const rows = {
  to: custom({ min: 1 }, readPeers, { default: nobody }),
  source: custom({ min: 1, max: 1 }, ({ args: [word] }) => canonical(value(ip(), word, 'source')), { repeat: 'once' }),
}

export const schema: DirectiveSchema<readonly Rule[]> = {
  usage: 'transfer [ZONES...] { to ADDRESS... | source ADDRESS }',
  repeat: 'many',
  read: ({ occurrences, zones }) => occurrences.map((directive) => readRule(directive, zones)),
}

function readRule(directive: Directive, blockZones: readonly string[]): Rule {
  const { to, source } = readBody(directive, rows)
  if (to === nobody) throw fail("'to' is required: who may transfer? ADDRESS..., or * for anyone", directive)
  return { zones: zonesOf(directive.args, blockZones), ...to, source }
}

function readPeers({ args }: BodyLine, before: Peers = nobody): Peers {
  const named = args.filter(({ text }) => text !== '*').map((word) => value(peer, word, 'to'))
  return {
    anyone: before.anyone || named.length < args.length,
    to: [...before.to, ...named.map(({ host, port }) => ({ address: canonical(host), port }))],
  }
}

const canonical = (address: string): string => canonicalAddress(address) ?? address

/** The rule whose zone holds the name (lower case) and is the longest that does; of equals the first. */
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
