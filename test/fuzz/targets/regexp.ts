/** Patterns (first line) and texts (the others): our search finds what RE2's own finds, and what is proven of a pattern holds. */
import assert from 'node:assert/strict'
import { RE2JS } from 're2js'
import {
  compilePattern,
  literalsOf,
  namesOf,
  type Pattern,
  PatternError,
  StepsError,
  stepsTaken,
} from '../../../src/regexp/index.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

const seeds = [
  '^(a+)+$\naaaaaaaaaaaaaaaa!',
  '(?i)^ip-(?P<a>\\d{1,3})-([0-9]+)\\.example\\.(org|com)\\.$\nIP-10-7.example.org.\nip-1-2.example.com.',
  '[[:alpha:]]\\pL\\p{Greek}[^a-z\\d]\\x41\\x{10FFFF}\\Qa.b\\E\nb\u03b1a',
  '(?s).*?(?:a|ab)(c|bcd)(d*)\\b\\B\\A\\z(?m:^x$)\nabcd\nx',
  'a{2,5}?b{3}c*?d+?|(?U)e*|\naabbbcd',
  '(^|\\.)example\\.$\na.example.\nexample.',
  '\\.svc\\.cluster\\.local\\.$\nweb.shop.svc.cluster.local.',
  '((a*)*b|(?:(c)|d)*)\\.\naab.cdcd.',
]

/** Texts of one input. */
const maxTexts = 6

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    '(?:',
    '(?P<n>',
    '(?i)',
    '(?s)',
    '(?m)',
    '(?U)',
    ')',
    '|',
    '*',
    '+',
    '?',
    '{1,3}',
    '{0}',
    '{1000}',
    '[a-z]',
    '[^.]',
    '[[:digit:]]',
    '\\d',
    '\\w',
    '\\b',
    '\\B',
    '\\A',
    '\\z',
    '\\Q',
    '\\E',
    '\\pL',
    '\\p{Han}',
    '\\x{1F600}',
    '.',
    '\\.',
    '^',
    '$',
    '\n',
    '.*',
    '(.*)',
    'example',
    'ſ',
    'K',
    '😀',
    '\ud83d',
  ],
  maxOctets: 400,
  maxSteps: () => 3_000_000,
  check(input) {
    const [source, ...texts] = decoder.decode(input).split('\n')
    let pattern: Pattern
    try {
      pattern = compilePattern(source)
    } catch (error) {
      assert.ok(error instanceof PatternError, String(error))
      assert.ok(error.offset >= 0 && error.offset <= source.length, `offset ${error.offset}`)
      return
    }
    const reference = RE2JS.compile(source)
    const names = namesOf(source)
    for (const text of texts.slice(0, maxTexts)) checkText(pattern, reference, names, text)
  },
}

function checkText(pattern: Pattern, reference: RE2JS, names: ReturnType<typeof namesOf>, text: string): void {
  let found: readonly string[] | undefined
  try {
    found = pattern.exec(text)
  } catch (error) {
    assert.ok(error instanceof StepsError, String(error))
    return
  }
  assert.ok(stepsTaken() <= 40_000)
  assert.equal(pattern.test(text), found !== undefined)
  const matcher = reference.matcher(text)
  const wanted = matcher.find()
    ? Array.from({ length: pattern.groupCount + 1 }, (_, group) => matcher.group(group) ?? '')
    : undefined
  assert.deepEqual(found, wanted)
  const name = text.toLowerCase()
  // What is proven is about names: lower case, printable ASCII, absolute.
  if (!/^(?:[a-z0-9_*-]+\.)+$/.test(text)) return
  if (found !== undefined)
    for (const { at, text: literal } of literalsOf(pattern.source)) {
      const has = { start: name.startsWith(literal), end: name.endsWith(literal), anywhere: name.includes(literal) }
      assert.ok(has[at], `a match without ${literal} at ${at}`)
    }
  if (names === undefined) return
  const within = names.some(
    (each) =>
      each.kind === 'all' ||
      (each.kind === 'one' && each.name === name) ||
      (each.kind === 'below' && name.endsWith(`.${each.zone}`)),
  )
  assert.equal(found !== undefined, within, 'the names of the pattern')
}
