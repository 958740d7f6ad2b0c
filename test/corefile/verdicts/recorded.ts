/** The recorded verdicts: a file for each subject, a line for each of its samples. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from './coredns.ts'
import { directives } from './directives.ts'
import { textsFor } from './generate.ts'
import { readmeExamples } from './readmes.ts'
import { serverBlocks } from './server-blocks.ts'

const folder = join(import.meta.dirname, 'recorded')

/** Stands for the end of a line within a key. */
const newline = '⏎'

const pathOf = (subject: string): string => join(folder, `${subject}.txt`)

/** The verdict on each key: `yes`, `no`, or `no LINE` where the message names one. */
export function readRecorded(subject: string): ReadonlyMap<string, Verdict> {
  if (!existsSync(pathOf(subject))) return new Map()
  const lines = readFileSync(pathOf(subject), 'utf8').split('\n').slice(0, -1)
  return new Map(
    lines.map((entry) => {
      const [, yes, line, key] = /^(?:(yes)|no ?(\d*))\t(.*)$/s.exec(entry)!
      const verdict: Verdict =
        yes === undefined ? { accepted: false, line: line === '' ? undefined : Number(line) } : { accepted: true }
      return [key.replaceAll(newline, '\n'), verdict]
    }),
  )
}

export function writeRecorded(subject: string, verdicts: ReadonlyMap<string, Verdict>): void {
  const lines = [...verdicts].map(([key, verdict]) => {
    const word = verdict.accepted ? 'yes' : verdict.line === undefined ? 'no' : `no ${verdict.line}`
    return `${word}\t${key.replaceAll('\n', newline)}\n`
  })
  mkdirSync(folder, { recursive: true })
  writeFileSync(pathOf(subject), lines.join(''))
}

/** A Corefile, and the key that its verdict is recorded under. */
export interface Sample {
  readonly key: string
  readonly corefile: string
}

export const readmes = 'readmes'
const serverBlockTexts = 'server-blocks'

/** What verdicts are recorded about: each directive, the server blocks, the examples of CoreDNS's READMEs. */
export const subjects: readonly string[] = [...Object.keys(directives), serverBlockTexts, readmes]

/** The samples of a subject; undefined where this machine does not have them. */
export function samplesOf(subject: string): readonly Sample[] | undefined {
  if (subject === readmes) return readmeExamples()?.map(({ name, text }) => ({ key: name, corefile: text }))
  if (subject === serverBlockTexts) return serverBlocks.map((text) => ({ key: text, corefile: text }))
  return textsFor(subject).map((text) => ({ key: text, corefile: `.:53 {\n${text}\n}\n` }))
}
