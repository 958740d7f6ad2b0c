/** The loop: an input of the corpus is changed and checked; what passes something new is kept, what fails is written down. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Random } from '../../hostile/random.ts'
import { createCorpus, nameOf, readInputs, smallest, writeInputs } from './corpus.ts'
import { placeCount } from './counters.ts'
import { execute, signatureOf } from './execute.ts'
import { sourceTexts } from './instrument.ts'
import { minimise } from './minimise.ts'
import { type MutationSources, mutate } from './mutate.ts'
import type { Target } from './target.ts'
import { startWatchdog } from './watchdog.ts'

export interface FuzzOptions {
  readonly name: string
  readonly random: Random
  /** The longest time that it goes on. */
  readonly milliseconds: number
  /** Where inputs are kept, a folder; and those that fail. */
  readonly corpusFolder: string
  readonly findingsFolder: string
  readonly stop: AbortSignal
  report(line: string): void
}

/** Between two lines, and between two writings of the corpus. */
const reportEvery = 30_000
const saveEvery = 600_000

/** Kinds of failures of one run. */
const maxFindings = 50

/** Seconds of CPU time of one input. */
const hangsAfter = 60

/** Returns the number of kinds of failures. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<number> {
  const { name, random, corpusFolder, findingsFolder, report } = options
  const begun = performance.now()
  const corpus = createCorpus()
  const found = new Set<string>()
  const watchdog = startWatchdog(join(findingsFolder, `${name}-hang`), hangsAfter, target.maxOctets)
  let executions = 0

  const run = async (input: Uint8Array): Promise<void> => {
    executions++
    watchdog.begin(input)
    const error = await execute(target, input)
    watchdog.end()
    if (error === undefined) corpus.offer(input)
    else await noteFinding(input, error)
  }

  const noteFinding = async (input: Uint8Array, error: Error): Promise<void> => {
    const signature = signatureOf(error)
    if (found.has(signature) || found.size === maxFindings) return
    found.add(signature)
    const shortest = await minimise(target, input, signature)
    mkdirSync(findingsFolder, { recursive: true })
    const path = join(findingsFolder, `${name}-${nameOf(shortest)}`)
    writeFileSync(path, shortest)
    const shown = (await execute(target, shortest)) ?? error
    writeFileSync(`${path}.txt`, `${shown.stack}\n`)
    report(`FOUND ${signature}: ${shown.message.split('\n').slice(0, 3).join(' | ').slice(0, 300)}: ${path}`)
  }

  const summary = (): string => {
    const seconds = (performance.now() - begun) / 1000
    const { user, system } = process.cpuUsage()
    const figures = [
      `${executions} executions`,
      `${(seconds / 60).toFixed(1)} minutes`,
      `${((user + system) / 6e7).toFixed(1)} CPU minutes`,
      `corpus ${corpus.entries.length} inputs`,
      `coverage ${corpus.features} features of ${placeCount()} places`,
      `${found.size} findings`,
    ]
    return `${new Date().toISOString().slice(11, 19)} ${name}: ${figures.join(', ')}`
  }

  const kept = readInputs(corpusFolder)
  // Seeds may be Buffers, which tests tell from plain octets.
  for (const input of [...target.seeds, ...kept]) await run(new Uint8Array(input.subarray(0, target.maxOctets)))
  report(`${summary()} after ${target.seeds.length} seeds and ${kept.length} kept inputs`)
  const save = () =>
    writeInputs(
      corpusFolder,
      smallest(corpus.entries).map(({ input }) => input),
    )

  const pick = (): Uint8Array => {
    const { entries } = corpus
    if (entries.length === 0) return new Uint8Array(0)
    // What came last is where the unknown begins.
    const from = random.chance(0.4) ? Math.max(0, entries.length - 50) : 0
    return entries[from + random.below(entries.length - from)].input
  }
  const texts = [...sourceTexts].map((text) => Buffer.from(text))
  const own = target.words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word))
  // The target's own words are few: as likely together as all texts of the sources.
  const times = Math.max(1, Math.ceil(texts.length / own.length))
  const sources: MutationSources = {
    target,
    random,
    words: [...texts, ...Array.from({ length: times }, () => own).flat()],
    other: pick,
  }
  let [reported, saved] = [begun, begun]
  while (performance.now() - begun < options.milliseconds && !options.stop.aborted) {
    for (let i = 0; i < 64; i++) await run(mutate(pick(), sources))
    const now = performance.now()
    if (now - reported > reportEvery) {
      reported = now
      report(summary())
    }
    if (now - saved > saveEvery) {
      saved = now
      save()
    }
    // Signals are handled here.
    await setImmediate()
  }
  await watchdog.stop()
  save()
  report(`${summary()}; ended`)
  return found.size
}
