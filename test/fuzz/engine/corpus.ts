/** The inputs of a target that are worth keeping: each passes a place, or passes one more often, than those before it. */
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { featureCapacity, forEachFeature } from './counters.ts'

export interface Entry {
  readonly input: Uint8Array
  /** What it passes. */
  readonly features: Uint32Array
}

/** Files of one target, and their octets: all of them are tried by `npm test`, in seconds. */
const maxFiles = 100
const maxOctets = 48 * 1024

/** In memory: an hour of a large target finds some thousand. */
const maxEntries = 10_000

export interface Corpus {
  readonly entries: readonly Entry[]
  /** Places with their counts that any entry passes. */
  readonly features: number
  /** Keeps the input whose count has just ended where it passes something new. */
  offer(input: Uint8Array): boolean
}

export function createCorpus(): Corpus {
  const entries: Entry[] = []
  const seen = new Uint8Array(featureCapacity)
  let features = 0
  return {
    entries,
    get features() {
      return features
    },
    offer(input) {
      let isNew = false
      forEachFeature((feature) => {
        if (seen[feature] !== 0) return
        seen[feature] = 1
        features++
        isNew = true
      })
      if (!isNew || entries.length === maxEntries) return false
      const passed: number[] = []
      forEachFeature((feature) => passed.push(feature))
      entries.push({ input: input.slice(), features: Uint32Array.from(passed) })
      return true
    },
  }
}

/** Few and short entries that pass together what all of them pass, or most of it where that takes more files than there may be. */
export function smallest(entries: readonly Entry[]): readonly Entry[] {
  const covered = new Uint8Array(featureCapacity)
  const worthOf = ({ features, input }: Entry): number =>
    features.reduce((sum, feature) => sum + (covered[feature] === 0 ? 1 : 0), 0) / (16 + input.length)
  // What an entry is worth only shrinks: one that is worth what it was before is the best.
  const candidates = entries.map((entry) => ({ entry, worth: worthOf(entry) }))
  const chosen: Entry[] = []
  let octets = 0
  while (chosen.length < Math.min(maxFiles, entries.length)) {
    const best = candidates.reduce((one, other) => (other.worth > one.worth ? other : one))
    if (best.worth === 0) break
    const worth = worthOf(best.entry)
    if (worth === best.worth && octets + best.entry.input.length <= maxOctets) {
      octets += best.entry.input.length
      chosen.push(best.entry)
      for (const feature of best.entry.features) covered[feature] = 1
    }
    best.worth = worth === best.worth ? 0 : worth
  }
  return chosen
}

export const nameOf = (input: Uint8Array): string => createHash('sha256').update(input).digest('hex').slice(0, 16)

/** The files of a folder, in the order of their names; none where it is not there. */
export function readInputs(folder: string): Uint8Array[] {
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => new Uint8Array(readFileSync(join(folder, name))))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Makes the folder hold these inputs and no others. */
export function writeInputs(folder: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(folder, { recursive: true })
  const wanted = new Map(inputs.map((input) => [nameOf(input), input]))
  for (const name of readdirSync(folder)) if (!wanted.delete(name)) rmSync(join(folder, name))
  for (const [name, input] of wanted) writeFileSync(join(folder, name), input)
}
