/**
 * `npm run fuzz -- TARGET [--minutes N] [--seed N] [--input FILE]`: coverage-guided fuzzing of one reader of hostile input. Keeps the
 * inputs that find new ways through the sources in test/fuzz/corpus/TARGET, writes failing ones to test/fuzz/findings, and
 * ends with exit code 1 where there is one. With --input it tries that file alone, and prints why it fails.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRandom } from '../hostile/random.ts'
import { readCommandLine } from '../support/command-line.ts'
import { execute } from './engine/execute.ts'
import { fuzz } from './engine/fuzz.ts'
import { instrumentImports } from './engine/instrument.ts'
import { loadTarget, targetNames } from './targets.ts'

const usage = `npm run fuzz -- TARGET [--minutes N] [--seed N] [--input FILE]\nTARGET: ${targetNames.join(', ')}`
const { values, words } = readCommandLine(usage, { minutes: 'number', seed: 'whole', input: 'file' }, 1)
const [name = ''] = words
if (!targetNames.includes(name)) {
  process.stderr.write(`${name === '' ? 'no target' : `there is no target "${name}"`}\nusage: ${usage}\n`)
  process.exit(2)
}
instrumentImports()
const target = await loadTarget(name)
if (values.input !== undefined) {
  const error = await execute(target, new Uint8Array(readFileSync(values.input)))
  process.stdout.write(`${error?.stack ?? 'nothing is wrong with it'}\n`)
  process.exit(error === undefined ? 0 : 1)
}
const seed = values.seed ?? Math.floor(Math.random() * 1e9)
process.stdout.write(`${name}: seed ${seed}\n`)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())
const findings = await fuzz(target, {
  name,
  random: createRandom(seed),
  milliseconds: (values.minutes ?? 5) * 60_000,
  corpusFolder: join(import.meta.dirname, 'corpus', name),
  findingsFolder: join(import.meta.dirname, 'findings'),
  stop: stop.signal,
  report: (line) => process.stdout.write(`${line}\n`),
})
process.exit(findings > 0 ? 1 : 0)
