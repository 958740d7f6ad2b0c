/** What CoreDNS said, one scenario a line: recorded.txt, written by index.ts and replayed by recorded.test.ts. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const file = join(import.meta.dirname, 'recorded.txt')
/** Enough that each pair of options meets each behaviour. */
export const recordedCount = 600

export interface Recorded {
  readonly title: string
  /** A verdict (script.ts) for each question. */
  readonly said: readonly string[]
}

export function writeRecording(list: readonly Recorded[]): void {
  writeFileSync(file, list.map(({ title, said }) => `${title} | ${said.join(' ')}\n`).join(''))
}

export function readRecording(): Recorded[] {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line) => {
    const [title, said] = line.split(' | ') as [string, string]
    return { title, said: said.split(' ') }
  })
}
