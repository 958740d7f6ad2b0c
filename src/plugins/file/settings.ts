/** The `file` directive. */
import {
  argCount,
  duration,
  fail,
  normalizeZone,
  optionLines,
  unknownProperty,
  value,
  zonesOf,
} from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema } from '../../corefile/schema.ts'
import type { FollowSettings } from '../../zone/followed-file.ts'

export interface ZoneSettings extends FollowSettings {
  /** As written. */
  readonly file: string
  readonly directive: Directive
}

export interface FileSettings {
  /** In file order: of several for a zone the last one counts. */
  readonly zones: readonly ZoneSettings[]
  /** Zones whose missing names go to the next plugin. The last such line of all directives counts, as in CoreDNS. */
  readonly fallthrough: readonly string[]
}

interface Draft {
  reload: number
  byTime: boolean
  fallthrough: readonly string[] | undefined
}

const minute = 60_000

/** How each option is read. Surplus arguments of `reload` are accepted, as in CoreDNS. */
const options: Readonly<Record<string, (draft: Draft, line: BodyLine) => void>> = {
  reload(draft, { word, args }) {
    if (args.length === 0) throw fail('reload must have a duration (0 reads the file once)', word)
    draft.reload = value(duration({ min: 0 }), args[0], 'reload')
  },
  reload_by_mtime(draft) {
    draft.byTime = true
  },
  fallthrough(draft, { args }) {
    draft.fallthrough = args.length === 0 ? ['.'] : args.flatMap(({ text }) => normalizeZone(text))
  },
  // Accepted for old Corefiles; targets of CNAMEs are always looked up.
  upstream: () => undefined,
}

export const schema: DirectiveSchema<FileSettings> = {
  usage: 'file DBFILE [ZONES...] { reload DURATION | reload_by_mtime | fallthrough [ZONES...] }',
  repeat: 'many',
  read({ occurrences, zones: served }) {
    const zones: ZoneSettings[] = []
    let fallthrough: readonly string[] = []
    for (const directive of occurrences) {
      argCount(directive, 1)
      const [file, ...zoneArgs] = directive.args
      const draft: Draft = { reload: minute, byTime: false, fallthrough: undefined }
      for (const line of optionLines(directive, ({ word }) => (word.text === 'reload_by_mtime' ? 0 : undefined))) {
        const { text } = line.word
        if (!Object.hasOwn(options, text)) throw unknownProperty(directive, line, Object.keys(options))
        options[text](draft, line)
      }
      fallthrough = draft.fallthrough ?? fallthrough
      for (const zone of zonesOf(zoneArgs, served))
        zones.push({ zone, file: file.text, reload: draft.reload, byTime: draft.byTime, directive })
    }
    return { zones, fallthrough }
  },
}
