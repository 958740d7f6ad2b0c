/** The `hosts` directive. A line of its block that is not an option is an entry of a hosts file. */

import { parseIp } from '../../corefile/address.ts'
import { suggestion } from '../../corefile/nearest.ts'
import {
  argCount,
  duration,
  fail,
  integer,
  normalizeZone,
  unknownProperty,
  value,
  zonesOf,
} from '../../corefile/read.ts'
import type { BodyLine, ConfigError, Directive, DirectiveSchema, Token } from '../../corefile/schema.ts'

export interface HostsSettings {
  /** The file as written; undefined: /etc/hosts. */
  readonly file: string | undefined
  readonly zones: readonly string[]
  /** Lines of the block that are entries. */
  readonly inline: readonly string[]
  /** The first words of lines without an address, which have no effect. */
  readonly strays: readonly Token[]
  /** Seconds. */
  readonly ttl: number
  /** Milliseconds between two checks of the file; 0: it is read once. */
  readonly reload: number
  readonly reverse: boolean
  /** Zones whose missing names go to the next plugin; undefined: none. */
  readonly fallthrough: readonly string[] | undefined
  /** Whether types other than A, AAAA and PTR of existing names fall through, too. */
  readonly fallthroughUnsupported: boolean
}

type Draft = { -readonly [Key in keyof HostsSettings]: HostsSettings[Key] }

/** How each option is read. Surplus arguments of ttl and no_reverse are accepted, as in CoreDNS. */
const options: Readonly<Record<string, (draft: Draft, line: BodyLine) => void>> = {
  ttl(draft, { word, args }) {
    if (args.length === 0) throw fail('ttl must have a number of seconds', word)
    draft.ttl = value(integer({ min: 1, max: 65_535 }), args[0], 'ttl')
  },
  reload(draft, { word, args }) {
    if (args.length !== 1) throw fail('reload must have one duration (0 reads the file once)', args[1] ?? word)
    draft.reload = value(duration({ min: 0 }), args[0], 'reload')
  },
  no_reverse(draft) {
    draft.reverse = false
  },
  fallthrough(draft, { args }) {
    draft.fallthrough = args.length === 0 ? ['.'] : args.flatMap(({ text }) => normalizeZone(text))
  },
  fallthrough_unsupported(draft, { args }) {
    if (args.length > 0) throw fail('fallthrough_unsupported takes no argument', args[0])
    draft.fallthroughUnsupported = true
  },
}

export const schema: DirectiveSchema<HostsSettings> = {
  usage:
    'hosts [FILE [ZONES...]] { INLINE | ttl SECONDS | no_reverse | reload DURATION | fallthrough [ZONES...] | fallthrough_unsupported }',
  repeat: 'once',
  warnings: ({ strays }) =>
    strays.map(({ text, at }) => ({
      message: `'${text}' is neither an option of hosts nor an address${suggestion(text, Object.keys(options))}`,
      at,
    })),
  read({ occurrences: [directive], zones }) {
    argCount(directive, 0)
    const [file, ...zoneArgs] = directive.args
    const inline: string[] = []
    const strays: Token[] = []
    const draft: Draft = {
      file: file?.text,
      zones: zonesOf(zoneArgs, zones),
      inline,
      strays,
      ttl: 3600,
      reload: 5000,
      reverse: true,
      fallthrough: undefined,
      fallthroughUnsupported: false,
    }
    for (const line of directive.body ?? []) {
      if (Object.hasOwn(options, line.word.text)) options[line.word.text](draft, line)
      else if (draft.fallthrough === undefined) {
        inline.push([line.word, ...line.args].map(({ text }) => text).join(' '))
        if (parseIp(line.word.text.replace(/%.*$/s, '')) === undefined) strays.push(line.word)
      } else throw unknownAfterFallthrough(directive, line)
    }
    if (draft.fallthroughUnsupported && draft.fallthrough === undefined)
      throw fail('fallthrough_unsupported requires fallthrough', directive)
    return draft
  },
}

function unknownAfterFallthrough(directive: Directive, line: BodyLine): ConfigError {
  if (parseIp(line.word.text) === undefined) return unknownProperty(directive, line, Object.keys(options))
  return fail(`unknown property '${line.word.text}' of hosts: entries must come before fallthrough`, line)
}
