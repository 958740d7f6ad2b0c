/** What people read is plain English: phrases of an older idiom of this project stay out of it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contentOf, filesIn } from './sources.ts'

/** Passives and negations that hide who does what: "X is reported", "X is invalid", "there are no X" say it. */
const phrases = ['is told', 'are told', 'is none', 'is had', 'tells of', 'has none']

/** The phrases in a text, also where one goes over the end of a line, with the line where it begins. */
function foundIn(text: string): string[] {
  const between = String.raw`\s+(?:(?:\*|//|#)\s+)?`
  const pattern = new RegExp(
    String.raw`\b(?:${phrases.map((phrase) => phrase.replaceAll(' ', between)).join('|')})\b`,
    'gi',
  )
  return [...text.matchAll(pattern)].map(
    ({ 0: match, index }) => `${text.slice(0, index).split('\n').length}: ${match.replace(/[\s*/#]+/g, ' ')}`,
  )
}

describe('words', () => {
  const paths = [
    ...filesIn('src/**/*.{ts,js,md}'),
    ...filesIn('docs/**/*.md'),
    ...filesIn('*.md'),
    ...filesIn('examples/*.md'),
  ]

  it('the words of the sources and the documents are plain English', () => {
    assert.ok(paths.includes('README.md') && paths.includes('src/main.ts') && paths.includes('docs/design.md'))
    assert.deepEqual(
      paths.flatMap((path) => foundIn(contentOf(path)).map((found) => `${path}:${found}`)),
      [],
    )
  })

  const examples: readonly (readonly [string, string[]])[] = [
    ['The log is told of it', ['1: is told']],
    ['one\n/* Whether there\n * is\n * none */', ['3: is none']],
    ['// the chain has\n// none', ['1: has none']],
    ['tells off, this nonesuch', []],
  ]
  for (const [text, found] of examples)
    it(`${found.length > 0 ? 'finds' : 'leaves'} ${JSON.stringify(text)}`, () => assert.deepEqual(foundIn(text), found))
})
