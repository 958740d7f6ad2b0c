/**
 * A title is a sentence that means something where grep or a report shows it alone: it begins with its subject. The rule
 * catches what does not: a title of under four words, one that begins with an auxiliary, a pronoun or a preposition, and
 * one that begins with a predicate ("is refused …", "keeps …"), which only its `describe` would complete.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentOf, filesIn } from './sources.ts'

/** No sentence has its subject behind one of these. */
const without = new Set(
  `is are was were has have had does do not may must can cannot it its they their them this that these those also too so
   and or but nor either neither likewise even then there which who whose what of in on at to from by for with as if`.split(
    /\s+/,
  ),
)

/** As these: verbs of a predicate whose subject is a plural. */
const plural = new Set(
  `answer belong come count end fall fit follow get give harm keep lead learn leave lose never reach refuse report rise
   show stay take because given twice written`.split(/\s+/),
)

/** Sentences that begin so have their subject behind a comma. */
const conditions = new Set(['of', 'in', 'on', 'at', 'from', 'with', 'by', 'as', 'if'])

/** A lower-case word in -s is taken for a verb, but for these. Add a noun that a title begins with. */
const nouns = new Set(
  `addresses aliases always annotations arguments blocks builtins certificates citations clients comments connections datagrams
   durations endpoints errors events exceptions expressions fields files functions headless hits hundreds imports
   interfaces keys labels lists listeners lookups messages metrics misses names namespaces numbers objects octets
   operators places pods ports positions queries questions readers records replies requests rights scrapes services shares
   slices snippets splits strings tests thousands values variables weights zones
   slicedns ${filesIn('src/plugins/*/index.ts')
     .map((path) => path.split('/')[2])
     .join(' ')}`.split(/\s+/),
)

/** What is wrong with a title as it stands in the source, `${…}` included. */
function fault(title: string): string | undefined {
  const words = title.split(/\s+/)
  const first = words[0].replace(/[,:]$/, '')
  // What stands for an expression may be a subject, and several words.
  if (first.startsWith('${')) return words.length < 3 ? 'has under three words' : undefined
  if (words.length < (title.includes('${') ? 3 : 4)) return 'has under four words'
  if (without.has(first) && !(conditions.has(first) && title.includes(','))) return `begins with "${first}"`
  if (plural.has(first) || (/^[a-z]+s$/.test(first) && !nouns.has(first)))
    return `begins with "${first}", which reads as a verb`
  return undefined
}

/** Titles that are a variable alone: what a table of cases says gets its subject where the test is. */
function variablesIn(text: string): string[] {
  return [...text.matchAll(/(?<![.\w])(?:it|test)\(\s*(\w+),/g)].map(([, name]) => name)
}

/** Titles of tests, and the names of the cases of a specification. */
function titlesIn(text: string): string[] {
  const literal = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/.source
  const titles = [...text.matchAll(new RegExp(`(?<![.\\w])(?:it|test)\\(\\s*(${literal})`, 'g'))]
  const cases = text.includes('/support/cases.ts')
    ? [...text.matchAll(new RegExp(`(?<![.\\w])name: (${literal})(?=,\\s+(?:when|passed|ask)\\b)`, 'g'))]
    : []
  return [...titles, ...cases].map(([, title]) => title.slice(1, -1))
}

describe('titles of tests', () => {
  it('every title begins with its subject, and is a sentence without its describe', () => {
    const faults = filesIn('test/**/*.test.ts').flatMap((path) =>
      titlesIn(contentOf(path)).flatMap((title) => {
        const reason = fault(title)
        return reason === undefined ? [] : [`${path}: '${title}' ${reason}`]
      }),
    )
    assert.deepEqual(faults, [])
  })

  it('no title is the variable of a table alone, which has no subject', () => {
    const faults = filesIn('test/**/*.test.ts').flatMap((path) =>
      variablesIn(contentOf(path)).map((name) => `${path}: write the subject before \`\${${name}}\``),
    )
    assert.deepEqual(faults, [])
  })

  const examples: readonly (readonly [string, string | undefined])[] = [
    ['is not for others, nor for datagrams', 'begins with "is"'],
    ['keeps its TTLs under keepttl', 'begins with "keeps", which reads as a verb'],
    ['lose scheme and port', 'begins with "lose", which reads as a verb'],
    ['and its name with it', 'begins with "and"'],
    ['of a Service is that of its records', 'begins with "of"'],
    ['both families', 'has under four words'],
    ['a transfer is refused to addresses that `to` does not list', undefined],
    ['of two services of one second, the first by name has the alias', undefined],
    ['names without a node are NXDOMAIN', undefined],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a title as it stands in the source
    ['${name} is refused', undefined],
  ]
  for (const [title, reason] of examples)
    it(`the rule ${reason === undefined ? 'allows' : 'refuses'} the title '${title}'`, () =>
      assert.equal(fault(title), reason))

  it('the rule finds titles of tests and names of cases, and no other texts', () => {
    const [first, second] = ['i', 'tes'].map((word) => `${word}t`)
    const text = `import { spec } from '../support/cases.ts'
      ${first}('a b', () => /x/.test('c')); ${second}(\`d\`, {}); const other = { name: 'e' }
      spec('f', { cases: [{ name: 'g', ${'a'}sk: 'h A' }] })`
    assert.deepEqual(titlesIn(text), ['a b', 'd', 'g'])
    assert.deepEqual(variablesIn(`${first}(name, () => {}); ${second}('a', name)`), ['name'])
  })
})
