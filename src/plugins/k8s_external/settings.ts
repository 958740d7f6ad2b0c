import type { ExternalSettings } from '../../cluster-dns/external/external-lookup.ts'
import { fallthrough, flag, integer, option, readBody, text, zonesOf } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'

export interface Settings extends ExternalSettings {
  /** Missing names in these zones go to the next plugin. */
  readonly fallthrough: readonly string[]
}

const defaultTtl = 5
const maxTtl = 3600

const rows = {
  apex: option(text, { default: 'dns', extra: 'ignore' }),
  ttl: option(integer({ min: 0, max: maxTtl }), { default: defaultTtl, extra: 'ignore' }),
  headless: flag({ closes: true }),
  fallthrough: fallthrough(),
}

export const schema: DirectiveSchema<Settings> = {
  usage: 'k8s_external [ZONES...] { apex | ttl | headless | fallthrough }',
  repeat: 'many',
  read({ occurrences, zones: blockZones }) {
    // CoreDNS reads all occurrences into the same settings: their options are merged, and the last one's zones count.
    const last = occurrences.at(-1)!
    const body = occurrences.flatMap((directive) => directive.body ?? [])
    const { fallthrough: falling = [], ...options } = readBody({ ...last, body }, rows)
    return { ...options, zones: [...new Set(zonesOf(last.args, blockZones))], fallthrough: falling }
  },
}
