import { suggestion } from '../../corefile/nearest.ts'
import { fail, noBody, zonesOf } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'

export interface Settings {
  /** Names outside of these zones are left alone. */
  readonly zones: readonly string[]
  /** Where search lists come from: another plugin of the block, or a file like resolv.conf. */
  readonly from: { readonly plugin: string } | { readonly file: string }
  /** Every file that is named: each must be readable, as in CoreDNS. */
  readonly files: readonly string[]
}

export const schema: DirectiveSchema<Settings> = {
  usage: 'autopath [ZONES...] RESOLV.CONF|@PLUGIN',
  repeat: 'many',
  warnings({ from }, { plugins }) {
    if (!('plugin' in from) || plugins.includes(from.plugin)) return []
    const hint = suggestion(from.plugin, plugins)
    return [{ message: `the server block has no plugin '${from.plugin}': no search list is followed${hint}` }]
  },
  read({ occurrences, zones }) {
    // As in CoreDNS the last directive counts, but a plugin takes precedence over a file.
    const all = occurrences.map((directive) => readOne(directive, zones))
    const { from } = all.findLast((settings) => 'plugin' in settings.from) ?? all.at(-1)!
    const files = all.flatMap((settings) => ('file' in settings.from ? [settings.from.file] : []))
    return { ...all.at(-1)!, from, files }
  },
}

function readOne(directive: Directive, blockZones: readonly string[]): Omit<Settings, 'files'> {
  noBody(directive)
  const source = directive.args.at(-1)
  if (!source) throw fail('autopath needs a file like resolv.conf, or @kubernetes', directive)
  const from = source.text.startsWith('@') ? { plugin: source.text.slice(1) } : { file: source.text }
  return { zones: zonesOf(directive.args.slice(0, -1), blockZones), from }
}
