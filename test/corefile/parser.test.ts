/** What the examples in test/spec/corefile do not show: positions in imports, limits, and laws. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { chainOrder, checkDirectives } from '../../src/corefile/directives.ts'
import { serverKeys } from '../../src/corefile/keys.ts'
import { diskSources } from '../../src/corefile/load.ts'
import { parseAsFarAsPossible, parseCorefile } from '../../src/corefile/parser.ts'
import { ConfigError } from '../../src/corefile/schema.ts'
import { parse, refusal, sources } from './support.ts'

const known = chainOrder.map((name) => ({ name }))

describe('positions', () => {
  test('positions count lines and columns from 1, through quotations and comments', () => {
    const [{ keys, directives }] = parse('# one\n\n  a.example {\n\tlog "x\ny" z # c\n  errors\n}').blocks
    const [log, errors] = directives
    assert.deepEqual(
      [keys[0].at, log.at, ...log.args.map(({ at }) => at), errors.at].map(({ line, column }) => [line, column]),
      [
        [3, 3],
        [4, 2],
        [4, 6],
        [5, 4],
        [6, 3],
      ],
    )
  })
  test('positions in an imported file are those of that file', () => {
    const files = { '/etc/extra.conf': '\n\n   bogus' }
    const corefile = parseCorefile('.\nimport extra.conf', '/etc/Corefile', sources(files))
    assert.equal(
      refusal(() => checkDirectives(corefile, { plugins: known })),
      "/etc/extra.conf:3:4 - Unknown directive 'bogus'",
    )
  })
  test('positions in a snippet are those of its definition', () => {
    const corefile = parse('(a) {\n bogus\n}\n. {\n import a\n}')
    assert.equal(
      refusal(() => checkDirectives(corefile, { plugins: known })),
      "Corefile:2:2 - Unknown directive 'bogus'",
    )
  })
})

describe('a directive', () => {
  test('a directive that slicedns lacks is distinguished from one that nobody has', () => {
    const corefile = parse('. {\n  route53 example.org.:Z1\n}')
    assert.equal(
      refusal(() => checkDirectives(corefile, { plugins: [{ name: 'whoami' }] })),
      "Corefile:2:3 - slicedns does not have the plugin 'route53': use 'forward' to the zone's name servers",
    )
  })
  test('a directive that slicedns lacks is left out with -lenient-plugins where that changes no answer', () => {
    const check = (word: string) =>
      checkDirectives(parse(`. {\n  ${word}\n}`), { plugins: [], lenient: true }).map(({ message }) => message)
    assert.match(check('pprof')[0], /slicedns does not have the plugin 'pprof', and leaves it out: use 'prometheus'/)
    assert.match(
      refusal(() => check('geoip')),
      /slicedns does not have the plugin 'geoip'/,
    )
  })
  test('a directive that is unknown is refused in a block without keys, too', () => {
    assert.match(
      refusal(() => checkDirectives(parse('{\nbogus\n}'), { plugins: known })),
      /Unknown directive 'bogus'/,
    )
  })
})

describe('imports are bounded', () => {
  test('snippets that double at each step of an import end at the limit', () => {
    const snippets = Array.from({ length: 30 }, (_, i) => `(s${i + 1}) {\nimport s${i}\nimport s${i}\n}\n`)
    const text = `(s0) {\nlog\n}\n${snippets.join('')}.\nimport s30`
    assert.match(
      refusal(() => parse(text)),
      /maximum snippet import depth \(10000\) exceeded/,
    )
  })
  test('snippets that are large end at the limit of imports, too', () => {
    const text = `(big) {\n${'log a b c\n'.repeat(5000)}}\n.\n${'import big\n'.repeat(60)}`
    assert.match(
      refusal(() => parse(text)),
      /more than 1000000 words/,
    )
  })
  test('files that import each other are a circle, and one file imported twice is not', () => {
    const circle = sources({ '/a': 'import b', '/b': 'import a' })
    assert.match(
      refusal(() => parseCorefile('import a', '/Corefile', circle)),
      /^\/b:1:8 - import of \/a within itself$/,
    )
    const twice = sources({ '/a': 'log' })
    assert.equal(parseCorefile('.\nimport a\nimport a', '/Corefile', twice).blocks[0].directives.length, 2)
  })
  test('files of one glob may import each other', () => {
    const files = sources({ '/c/1.conf': 'import ../x/a.txt', '/c/2.conf': 'errors', '/x/a.txt': 'import ../c/2.conf' })
    const [{ directives }] = parseCorefile('.\nimport c/*.conf', '/Corefile', files).blocks
    assert.deepEqual(
      directives.map(({ word }) => word),
      ['errors', 'errors'],
    )
  })
})

describe('variables', () => {
  test('variables may lead to other variables', () => {
    const [{ keys }] = parse('{$A}', sources({}, { A: 'x{$B}', B: 'y.example' })).blocks
    assert.equal(keys[0].text, 'xy.example')
  })
  test('variables that lead back to themselves are refused', () => {
    const loop = sources({}, { A: '{$B}', B: '{$A}{$A}' })
    assert.equal(
      refusal(() => parse('x{$A}', loop)),
      "Corefile:1:1 - the variable in 'x{$A}' refers to itself",
    )
  })
})

test('blocks before a grammatical error are kept for slicedns check', () => {
  const { blocks, words, error } = parseAsFarAsPossible('a {\nlog\n}\nb {\nbogus\nimport x y\n}', 'Corefile', sources())
  assert.equal(blocks.length, 1)
  assert.deepEqual(
    words.map(({ text }) => text),
    ['log', 'bogus'],
  )
  assert.match(String(error), /Corefile:6:10 - Import takes only one argument/)
})

/** Text of the kind that Corefiles are made of, and text of any kind. */
const piece = fc.constantFrom(
  '{',
  '}',
  '\n',
  ' ',
  '\t',
  '"',
  '\\',
  '#',
  ',',
  'import',
  '(a)',
  'a',
  '*',
  '{$A}',
  '{%B%}',
  '.',
  ':53',
  '10.0.0.0/9',
  'log',
  '\r',
  '\u0085',
)
const anyText = fc.oneof(
  fc.array(fc.oneof({ weight: 9, arbitrary: piece }, fc.string()), { maxLength: 60 }).map((pieces) => pieces.join('')),
  fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(' ')),
  fc.string({ unit: 'binary', maxLength: 200 }),
)

test('any text gives a Corefile or a ConfigError', () => {
  const files = fc.record({ '/a': anyText, '/b.conf': anyText })
  fc.assert(
    fc.property(anyText, files, anyText, (text, imported, variable) => {
      try {
        const { blocks } = parseCorefile(text, '/Corefile', sources(imported, { A: variable, B: 'import' }))
        for (const { keys } of blocks) serverKeys(keys)
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error))
      }
    }),
    { numRuns: 2000 },
  )
})

test('comments, indentation and blank lines change nothing that is parsed', () => {
  const line = fc.constantFrom('log', 'hosts {', 'ttl 60', '}', 'import nowhere*', 'forward . 192.0.2.1')
  fc.assert(
    fc.property(
      fc.array(line, { maxLength: 12 }),
      fc.array(fc.nat(3), { minLength: 12, maxLength: 12 }),
      (lines, seed) => {
        const noise = ['', '\t', '  # }\n', '\n \n']
        const plain = outline(`. {\n${lines.join('\n')}\n}`)
        const noisy = outline(`. {\n${lines.map((text, i) => `${noise[seed[i]]}${text} # ${text}`).join('\n')}\n}`)
        assert.deepEqual(noisy, plain)
      },
    ),
  )
})

/** The words of a Corefile without positions, or that it was refused. */
function outline(text: string): unknown {
  try {
    return parse(text).blocks.map(({ keys, directives }) => [
      keys.map((key) => key.text),
      directives.map(({ word, args, body }) => [
        word,
        args.map((arg) => arg.text),
        body?.map((option) => [option.word, ...option.args].map((token) => token.text)),
      ]),
    ])
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return 'refused'
  }
}

const shared = join(import.meta.dirname, '../../../shared/corefiles')
test("other projects' Corefiles parse, and only with directives and keys that CoreDNS has", {
  skip: existsSync(shared) ? false : `${shared} is not there`,
}, () => {
  for (const name of readdirSync(shared).filter((entry) => entry.endsWith('.Corefile'))) {
    const path = join(shared, name)
    const corefile = parseCorefile(readFileSync(path, 'utf8'), path, { ...diskSources, env: () => '192.0.2.53' })
    checkDirectives(corefile, { plugins: known })
    assert.ok(corefile.blocks.length > 0, name)
    for (const { keys } of corefile.blocks) serverKeys(keys)
  }
})
