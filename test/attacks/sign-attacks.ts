/** Attacks by who writes a zone's file. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeKeyFiles } from '../support/dnssec-keys.ts'
import { until } from '../support/until.ts'
import type { Attack } from './arena.ts'
import { seconds } from './traffic.ts'

const head = '@ 60 SOA ns hostmaster 1 60 60 60 60\n'
const lines = (count: number, line: (i: number) => string): string =>
  head + Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('')

/** `x` × 64,000 in strings of 250. */
const longText = Array.from({ length: 256 }, () => `"${'x'.repeat(250)}"`).join(' ')

const zones: Readonly<Record<string, string>> = {
  'texts.test': lines(600, (i) => `t${i} 60 TXT ${longText}`),
  'set.test': lines(10_000, (i) => `@ 60 A 10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`),
  'names.test': lines(49_000, (i) => `n${i} 60 A 10.0.0.1`),
  'more.test': lines(49_000, (i) => `n${i}.${'a.'.repeat(60)}b 60 A 10.0.0.1`),
}

let folder = ''

function signed(): string {
  folder = mkdtempSync(join(tmpdir(), 'slicedns-sign-'))
  return Object.entries(zones)
    .map(([zone, text]) => {
      writeFileSync(join(folder, zone), text)
      const { base } = writeKeyFiles(folder, `K${zone}.+015+00001`, { zone: `${zone}.` })
      return `sign ${join(folder, zone)} ${zone} {\nkey file ${base}\ndirectory ${folder}\n}`
    })
    .join('\n')
}

export const signAttacks: readonly Attack[] = [
  {
    finding: 28,
    title: 'zones of 50,000 names, of 10,000 addresses of one name, and of 40 MB of text are signed',
    block: signed,
    onlySlicedns: true,
    async run({ server }) {
      await until(() => assert.match(server.output(), /cannot sign "texts.test.": its records take more than 32 MiB/))
      await until(() => assert.match(server.output(), /cannot sign "set.test.": the 10000 A records/))
      // Of the last ones the names are sorted and signed meanwhile.
      await seconds(3)
      rmSync(folder, { recursive: true })
    },
  },
]
