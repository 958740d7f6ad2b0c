/**
 * What CoreDNS 1.15.0 accepts is accepted and what it refuses is refused: its recorded verdicts (`npm run verdicts`) beside ours, for
 * every option left out, doubled, misspelled, with too few, too many and wrong words, at and past its bounds, in every form of a block.
 */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { checkText, type Finding } from '../../../src/cli/findings.ts'
import { diskSources } from '../../../src/corefile/load.ts'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import { ConfigError } from '../../../src/corefile/schema.ts'
import { plugins } from '../../../src/plugins/index.ts'
import { configure } from '../../../src/server/configuration.ts'
import { contentOf } from '../../rules/sources.ts'
import { createPluginHarness } from '../../support/plugin-harness.ts'
import { createWorkplace, type Workplace } from './coredns.ts'
import { type Difference, differences } from './differences.ts'
import { directives } from './directives.ts'
import { readmes, readRecorded, samplesOf, subjects } from './recorded.ts'

interface Judgement {
  /** What ends the start before any socket is opened. */
  readonly refusal: ConfigError | undefined
  /** Errors that `slicedns check` reports. */
  readonly errors: readonly Finding[]
}

async function judge(corefile: string): Promise<Judgement> {
  const { findings } = checkText(corefile, 'Corefile', plugins, { dnsPort: 53 })
  const errors = findings.filter(({ severity }) => severity === 'error')
  const { log, metrics, clock, state } = createPluginHarness()
  try {
    const parsed = { ...parseCorefile(corefile, 'Corefile', diskSources), file: 'Corefile', hash: '', builtIn: false }
    const { blocks } = await configure(parsed, { plugins, defaultPort: 53, log, metrics, clock, process: state })
    for (const block of blocks) for (const { instance } of block.plugins) await instance.stop?.()
    return { refusal: undefined, errors }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return { refusal: error, errors }
  }
}

/**
 * CoreDNS names the line that it has read last. Ours is that of the word that is wrong: it may stand before it, and where an option
 * without arguments opens a block it is the first word in there.
 */
function isPlaced({ at }: ConfigError, text: string, line: number | undefined): boolean {
  if (line === undefined || at === undefined) return line === undefined
  return at.line <= line || (at.line === line + 1 && text.split('\n')[line - 2].endsWith('{'))
}

/** What only the machine knows: `check` runs where the server does not. */
const needsMachine =
  /is a directory|cannot (read|load)|not a regular file|no such file|list no nameserver|no start line|a file that can be read|key log|the weight|interface of this machine|leaves no address|already defined/

/** What CoreDNS has and slicedns does not: its own error says so. */
const notBuilt = /does not have the plugin|does not serve|forward does not support/

/** Options of slicedns alone. */
const ownOptions: ReadonlySet<string> = new Set(
  'manifests ttl_headless adaptive_ttl annotations alias_zones terminating dns_sd events snapshot verify'
    .split(' ')
    .map((word) => `kubernetes ${word}`)
    .concat('secondary key', 'prometheus compatibility_metrics'),
)

const where = (text: string, what: string): string => `${JSON.stringify(text)}: ${what}`

describe('the verdicts on Corefiles', () => {
  const home = process.cwd()
  // One for each subject: directives make files, whose names are other samples' words.
  let workplace: Workplace
  const used = new Set<Difference>()
  beforeEach(() => {
    workplace = createWorkplace()
    process.chdir(workplace.folder)
  })
  afterEach(() => {
    process.chdir(home)
    workplace.remove()
  })

  for (const subject of subjects.filter((each) => each !== readmes)) {
    const recorded = readRecorded(subject)
    it(`the verdict on each of ${recorded.size} texts about ${subject} is CoreDNS's, and check's is the start's`, async () => {
      const wrong: string[] = []
      for (const { key, corefile } of samplesOf(subject) ?? []) {
        const { refusal, errors } = await judge(corefile)
        const accepted = refusal === undefined
        if (errors.length > 0 === accepted && !needsMachine.test(refusal?.message ?? ''))
          wrong.push(where(key, `check: ${errors[0]?.message ?? 'accepted'}; start: ${refusal?.message ?? 'accepted'}`))
        const verdict = recorded.get(key)
        const known = differences.find((each) => each.subject === subject && each.texts.test(key))
        if (verdict === undefined) wrong.push(where(key, 'is not recorded: npm run verdicts'))
        else if (accepted !== verdict.accepted && known?.accepts === (accepted ? 'here' : 'there')) used.add(known)
        else if (accepted !== verdict.accepted)
          wrong.push(where(key, refusal?.message ?? 'is accepted, and CoreDNS refuses it'))
        else if (refusal !== undefined && !verdict.accepted && !isPlaced(refusal, key, verdict.line))
          wrong.push(where(key, `${refusal.message}, and CoreDNS names line ${verdict.line}`))
      }
      assert.equal(wrong.join('\n'), '')
    })
  }

  const examples = samplesOf(readmes)
  const skip = examples === undefined && "needs CoreDNS's Go module (test/support/peers/build.sh)"
  it("the verdict on each example of CoreDNS's READMEs is CoreDNS's, but for plugins that slicedns lacks", {
    skip,
  }, () => {
    const recorded = readRecorded(readmes)
    const wrong = examples!.flatMap(({ key, corefile }) => {
      const { findings } = checkText(corefile, 'Corefile', plugins, { dnsPort: 53 })
      const errors = findings.filter(({ severity }) => severity === 'error').map(({ message }) => message)
      if (errors.some((message) => notBuilt.test(message))) return []
      const accepted = errors.length === 0
      const known = differences.find((each) => each.subject === readmes && each.texts.test(key))
      if (recorded.get(key)?.accepted === accepted) return []
      if (known?.accepts !== (accepted ? 'here' : 'there')) return [where(key, errors.join('; '))]
      used.add(known)
      return []
    })
    assert.deepEqual(wrong, [])
  })

  it('the options of each plugin are among the samples, but for those that CoreDNS does not have', () => {
    const unsampled = Object.entries(directives).flatMap(
      ([
        subject,
        {
          args: [args],
          options = {},
        },
      ]) => {
        const { findings } = checkText(`. {\n${subject} ${args} {\nno-such-option\n}\n}\n`, 'Corefile', plugins, {
          dnsPort: 53,
        })
        const known = findings.flatMap(({ message }) => /; it has (.*)$/.exec(message)?.[1].split(', ') ?? [])
        return known.filter((word) => !Object.hasOwn(options, word) && !ownOptions.has(`${subject} ${word}`))
      },
    )
    assert.deepEqual(unsampled, [])
  })

  it('a verdict differs only as docs/differences.md says', () => {
    const page = contentOf('docs/differences.md').replace(/\s+/g, ' ')
    const unwritten = differences.filter(({ line }) => !page.includes(line)).map(({ line }) => line)
    assert.deepEqual(unwritten, [])
    assert.deepEqual(
      differences
        .filter((each) => !used.has(each) && !(skip && each.subject === readmes))
        .map(({ subject, texts }) => [subject, texts]),
      [],
    )
  })
})
