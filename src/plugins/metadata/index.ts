import { fail, zonesOf } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { isSubdomain } from '../../dns/name.ts'
import { metadataScope } from '../../plugin/capabilities/metadata.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'

const schema: DirectiveSchema<readonly string[]> = {
  usage: 'metadata [ZONES...]',
  repeat: 'many',
  read({ occurrences: [directive, second], zones }) {
    const [line] = directive.body ?? []
    if (line) throw fail('metadata has no options', line)
    if (second) throw fail('metadata can only be used once per Server Block', second)
    return zonesOf(directive.args, zones)
  },
}

/** Gives queries the metadata of the block's plugins. Values are computed only on use. */
export const metadata: Plugin<readonly string[]> = {
  name: 'metadata',
  schema,
  setup: (zones) => ({
    provides: [provide(metadataScope, { covers: (name) => zones.some((zone) => isSubdomain(zone, name)) })],
  }),
}
