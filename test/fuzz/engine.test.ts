/** The fuzzer itself: it counts what is passed, finds what is wrong, shortens it, and keeps what is new. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createRandom } from '../hostile/random.ts'
import { readInputs, smallest } from './engine/corpus.ts'
import { addPlace, beginCounting, endCounting, forEachFeature, hit } from './engine/counters.ts'
import { execute, signatureOf } from './engine/execute.ts'
import { fuzz } from './engine/fuzz.ts'
import { instrument } from './engine/instrument.ts'
import { minimise } from './engine/minimise.ts'
import type { Target } from './engine/target.ts'

/** Fails where the text has these letters one behind the other: chance alone finds them in one of four billion inputs. */
const secret = 'dns!'
const places = [...secret].map(addPlace)

function throwing(input: Uint8Array): void {
  const text = Buffer.from(input).toString('latin1')
  for (let i = 0; i < secret.length; i++) {
    if (!text.includes(secret.slice(0, i + 1))) return
    hit(places[i])
  }
  throw new RangeError('found')
}

const target: Target = {
  seeds: [Buffer.from('nothing')],
  words: ['x'],
  maxOctets: 64,
  maxSteps: () => 100,
  check: throwing,
}

function passed(run: () => void, steps = 1000): number[] {
  const features: number[] = []
  beginCounting(steps)
  try {
    run()
  } finally {
    endCounting()
  }
  forEachFeature((feature) => features.push(feature))
  return features
}

describe('fuzzing', () => {
  it('a fault behind several conditions is found by what is passed on the way, and written down in its shortest form', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'slicedns-fuzz-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const stop = new AbortController()
    const lines: string[] = []
    const findingsFolder = join(folder, 'findings')
    const corpusFolder = join(folder, 'corpus')
    const findings = await fuzz(target, {
      name: 'planted',
      random: createRandom(7),
      milliseconds: 120_000,
      corpusFolder,
      findingsFolder,
      stop: stop.signal,
      report(line) {
        lines.push(line)
        if (line.startsWith('FOUND')) stop.abort()
      },
    })
    assert.equal(findings, 1, lines.join('\n'))
    const [file] = readdirSync(findingsFolder).filter((name) => !name.endsWith('.txt'))
    assert.equal(readFileSync(join(findingsFolder, file), 'latin1'), secret)
    // The ways to it are kept: the beginnings of the text.
    const kept = readInputs(corpusFolder).map((input) => Buffer.from(input).toString('latin1'))
    assert.ok(
      kept.some((text) => text.includes('dns') && !text.includes(secret)),
      kept.join(' '),
    )
  })

  it('an input is shortened as long as it fails in the same way', async () => {
    const input = Buffer.from(`${'a'.repeat(20)}${secret}${'b'.repeat(20)}`)
    const error = await execute(target, input)
    assert.ok(error instanceof RangeError)
    const shortest = await minimise(target, input, signatureOf(error))
    assert.equal(Buffer.from(shortest).toString('latin1'), secret)
  })

  it('an input that takes more steps than it may is a failure, even where the error is caught', async () => {
    const place = addPlace()
    const endless: Target = {
      ...target,
      check() {
        try {
          for (;;) hit(place)
        } catch {
          // As a parser does that takes every error for a malformed text.
        }
      },
    }
    assert.match(String(await execute(endless, new Uint8Array(1))), /steps/)
  })

  it('few entries pass what all of them pass', () => {
    const entry = (text: string, ...features: number[]) => ({
      input: Buffer.from(text),
      features: Uint32Array.from(features),
    })
    const all = [entry('long long long', 1, 2, 3), entry('a', 1), entry('b', 2), entry('short', 1, 2, 3), entry('c', 4)]
    assert.deepEqual(
      smallest(all)
        .map(({ input }) => String(input))
        .sort(),
      ['c', 'short'],
    )
  })
})

describe('instrumented sources', () => {
  const cases: readonly (readonly [source: string, inputs: readonly unknown[]])[] = [
    ['if (x) return 1\n  else if (x === 0) return 2\n  return x ? 3 : 4', [1, 0, null]],
    [
      'let n = 0\n  for (const c of x) n += c > 1 ? 1 : 0\n  while (n > 3) n--\n  do n++\n  while (n < 2)\n  return n',
      [[1, 2, 3], []],
    ],
    ['switch (x) {\n case 1:\n case 2: return "few"\n default: return x ?? "none" }', [1, 2, 3, null]],
    ['try { if (x) throw x\n return 0 } catch ({ y = 5 }) { return y && y + 1 } finally { x = 1 }', [{ y: 2 }, {}, 0]],
    ['const f = (a) => ({ a }), g = (a) => a || f(a)\n  return g(x).a?.b ?? (() => x)()', [{ a: { b: 1 } }, 0, 3]],
    [
      'class A { #p = x; get p() { return this.#p } }\n  class B extends A { constructor() { super() } }\n  return new B().p',
      [1, 'a'],
    ],
    [
      'const [a = (() => 1)(), ...b] = x\n  label: for (const c of b) for (;;) { if (c) break label\n else continue label }\n  return [a, b]',
      [[], [2, 0, 1]],
    ],
    ['const make = function* () { yield x && 1; yield* [2] }\n  return [...make()].map((y) => y)', [0, 1]],
  ]
  for (const [source, inputs] of cases)
    it(`JavaScript with counters does what it does without: ${source.replace(/\s+/g, ' ')}`, () => {
      const body = instrument(`function f(x) { ${source} }`).replace(/^import.*?;/, '')
      const make = (code: string) => new Function('$hit', `${code}; return f`)(hit)
      const [plain, counted] = [make(`function f(x) { ${source} }`), make(body)]
      const ways = new Set<string>()
      for (const input of inputs) {
        let found: unknown
        ways.add(passed(() => (found = counted(structuredClone(input)))).join())
        assert.deepEqual(found, plain(structuredClone(input)))
      }
      assert.ok(!ways.has(''), 'something is counted')
    })

  it('a line of the sources stays where it is', () => {
    const source = 'const a = 1\nexport function f(x) {\n  return x && a\n}\n'
    assert.equal(instrument(source).split('\n').length, source.split('\n').length)
  })
})
