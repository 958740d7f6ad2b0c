/** The recorded verdicts: a file for each subject (a directive, or the server blocks), a line for each text. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Verdict } from './coredns.ts'
import { directives } from './directives.ts'
import { textsFor } from './generate.ts'
import { serverBlocks } from './server-blocks.ts'

const folder = join(import.meta.dirname, 'recorded')

/** Stands for the end of a line within a text. */
const newline = '⏎'

const pathOf = (subject: string): string => join(folder, `${subject}.txt`)

/** The verdict on each text: `yes`, `no`, or `no LINE` where the message names one. */
export function readRecorded(subject: string): ReadonlyMap<string, Verdict> {
  if (!existsSync(pathOf(subject))) return new Map()
  const lines = readFileSync(pathOf(subject), 'utf8').split('\n').slice(0, -1)
  return new Map(
    lines.map((entry) => {
      const [, yes, line, text] = /^(?:(yes)|no ?(\d*))\t(.*)$/s.exec(entry)!
      const verdict: Verdict =
        yes === undefined ? { accepted: false, line: line === '' ? undefined : Number(line) } : { accepted: true }
      return [text.replaceAll(newline, '\n'), verdict]
    }),
  )
}

export function writeRecorded(subject: string, verdicts: ReadonlyMap<string, Verdict>): void {
  const lines = [...verdicts].map(([text, verdict]) => {
    const word = verdict.accepted ? 'yes' : verdict.line === undefined ? 'no' : `no ${verdict.line}`
    return `${word}\t${text.replaceAll('\n', newline)}\n`
  })
  mkdirSync(folder, { recursive: true })
  writeFileSync(pathOf(subject), lines.join(''))
}

const wholeFiles = 'server-blocks'

export const subjects: readonly string[] = [...Object.keys(directives), wholeFiles]

export const textsOf = (subject: string): readonly string[] =>
  subject === wholeFiles ? serverBlocks : textsFor(subject)

/** The text of a directive stands inside a server block, from its second line on. */
export const corefileOf = (subject: string, text: string): string =>
  subject === wholeFiles ? text : `.:53 {\n${text}\n}\n`
