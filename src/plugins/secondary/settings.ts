/** The `secondary` directive. */
import { custom, fail, fallthrough, ipAndPort, option, readBody, value, zonesOf } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema, Position } from '../../corefile/schema.ts'
import { canonicalAddress } from '../../dns/address.ts'
import { domainName } from '../../plugin/dns-values.ts'
import type { Primary } from '../../zone/transfer-in/exchange.ts'

export interface SecondaryZone {
  /** Lower case and absolute. */
  readonly zone: string
  /** Asked in this order; at least one. */
  readonly primaries: readonly Primary[]
  /** The name of the key that signs requests: lower case and absolute. */
  readonly key: string | undefined
  /** Where the directive stands. */
  readonly at: Position
}

export interface SecondarySettings {
  /** Each zone once: the last directive that names it counts. */
  readonly zones: readonly SecondaryZone[]
  /** Zones whose missing names go to the next plugin. Of all directives the last line counts, as in CoreDNS. */
  readonly fallthrough: readonly string[]
}

const dnsPort = 53

const primary = ipAndPort(dnsPort)

const rows = {
  transfer: custom({ min: 2 }, ({ args: [from, ...addresses] }, before: readonly Primary[] = []) => {
    if (from.text !== 'from')
      throw fail(`unknown word '${from.text}' of transfer: write transfer from ADDRESS...`, from)
    return [
      ...before,
      ...addresses.map((word) => {
        const { host, port } = value(primary, word, 'transfer from')
        return { address: canonicalAddress(host) ?? host, port }
      }),
    ]
  }),
  key: option(domainName('the name of a key')),
  fallthrough: fallthrough(),
}

export const schema: DirectiveSchema<SecondarySettings> = {
  usage: 'secondary [ZONES...] { transfer from ADDRESS... | key NAME | fallthrough [ZONES...] }',
  repeat: 'many',
  read({ occurrences, zones: served }) {
    const zones = new Map<string, SecondaryZone>()
    let fallsThrough: readonly string[] = []
    // CoreDNS ignores words after a '}'.
    for (const directive of occurrences.filter(({ spill }) => spill === undefined)) {
      const { primaries, key, fallthrough } = readOne(directive)
      fallsThrough = fallthrough ?? fallsThrough
      for (const zone of zonesOf(directive.args, served)) zones.set(zone, { zone, primaries, key, at: directive.at })
    }
    return { zones: [...zones.values()], fallthrough: fallsThrough }
  },
}

function readOne(directive: Directive) {
  const { transfer, key, fallthrough } = readBody(directive, rows)
  if (!transfer) throw fail("'transfer from' is required: ADDRESS... of the zone's primaries", directive)
  return { primaries: transfer, key, fallthrough }
}
