/** The `auto` directive. */
import { duration, fail, optionLines, unknownProperty, value, zonesOf } from '../../corefile/read.ts'
import type { BodyLine, Directive, DirectiveSchema, Token } from '../../corefile/schema.ts'
import { readPattern } from '../../plugin/pattern-value.ts'
import { compilePattern, type Pattern } from '../../regexp/index.ts'

export interface AutoSettings {
  /** Names in these zones are answered, whichever zone file has them. The last directive's ZONES count. */
  readonly origins: readonly string[]
  /** As written; undefined: no zone is found. */
  readonly directory: Token | undefined
  /** Matches file names; its groups make the zone's name. */
  readonly pattern: Pattern
  /** `{1}` is the first group. */
  readonly template: string
  /** Milliseconds between two scans of the directory; 0: it is scanned once. */
  readonly reload: number
}

interface Draft {
  directory: Token | undefined
  pattern: Pattern
  template: string
  reload: number
}

const minute = 60_000

/** How each option is read. Surplus arguments of `reload` are accepted, as in CoreDNS. */
const options: Readonly<Record<string, (draft: Draft, line: BodyLine) => void>> = {
  directory(draft, { word, args: [directory, pattern, template, ...surplus] }) {
    if (directory === undefined) throw fail('directory must have a path', word)
    draft.directory = directory
    if (pattern === undefined) return
    draft.pattern = readPattern(pattern)
    if (draft.pattern.groupCount === 0) throw fail('the regular expression must have a group: (...)', pattern)
    if (template === undefined) throw fail('the template of the zone is missing, such as {1}', pattern)
    if (surplus.length > 0) throw fail(`unexpected '${surplus[0].text}' after the template`, surplus[0])
    draft.template = template.text
  },
  reload(draft, { word, args }) {
    if (args.length === 0) throw fail('reload must have a duration (0 scans the directory once)', word)
    draft.reload = value(duration({ min: 0 }), args[0], 'reload')
  },
  // Accepted for old Corefiles; targets of CNAMEs are always looked up.
  upstream: () => undefined,
}

export const schema: DirectiveSchema<AutoSettings> = {
  usage: 'auto [ZONES...] { directory DIR [REGEXP TEMPLATE] | reload DURATION }',
  repeat: 'many',
  read({ occurrences, zones: served }) {
    // The options of all directives are merged, as in CoreDNS.
    const draft: Draft = { directory: undefined, pattern: compilePattern('db\\.(.*)'), template: '{1}', reload: minute }
    let origins: readonly string[] = []
    for (const directive of occurrences) {
      readOptions(directive, draft)
      origins = zonesOf(directive.args, served)
    }
    return { origins, ...draft }
  },
}

function readOptions(directive: Directive, draft: Draft): void {
  for (const line of optionLines(directive, () => undefined)) {
    const { text } = line.word
    if (!Object.hasOwn(options, text)) throw unknownProperty(directive, line, Object.keys(options))
    options[text](draft, line)
  }
}
