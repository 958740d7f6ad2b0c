/**
 * What a signed reply costs in processor time, beside CoreDNS: names whose signatures are kept, the same behind `cache`, and names that
 * nobody has asked for before, each of which costs a signature.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KeyAlgorithm, writeKeyFiles } from '../test/support/dnssec-keys.ts'
import { peer } from '../test/support/peers.ts'
import type { Context } from './lib/context.ts'
import { offer } from './lib/generator.ts'
import { micros, ratio, table } from './lib/numbers.ts'
import { cpuTime } from './lib/process.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'

const kinds: readonly ServerKind[] = ['slicedns threads', 'coredns']
const zone = 'example.org.'
const names = Array.from({ length: 1000 }, (_, at) => `h${at}`)
const known = names.map((name) => `${name}.${zone} A`)

/** More than are asked for in a measurement. */
const madeUp = (run: string): string[] => Array.from({ length: 400_000 }, (_, at) => `${run}-${at}.${zone} A`)

interface Workload {
  readonly name: string
  readonly algorithm: KeyAlgorithm
  readonly cached: boolean
  /** Of the first, which warms up, and of the second load. */
  readonly questions: (run: 'warm' | 'asked') => readonly string[]
}

const workloads: readonly Workload[] = [
  { name: 'P-256, kept', algorithm: 'ECDSAP256SHA256', cached: false, questions: () => known },
  { name: 'P-256, kept, behind cache', algorithm: 'ECDSAP256SHA256', cached: true, questions: () => known },
  { name: 'P-256, a new name each', algorithm: 'ECDSAP256SHA256', cached: false, questions: madeUp },
  { name: 'Ed25519, a new name each', algorithm: 'ED25519', cached: false, questions: madeUp },
]

export async function run({ seconds, print }: Context): Promise<void> {
  if (!peer('dnsperf')) throw new Error('dnsperf is not installed')
  const rows: string[][] = []
  for (const workload of workloads) {
    const [own, theirs] = await inOrder(kinds, (kind) => measure(kind, workload, seconds))
    rows.push([workload.name, micros(own), micros(theirs), ratio(theirs / own)])
  }
  print(table(['processor time of a signed reply, µs', 'slicedns', 'CoreDNS', 'CoreDNS / slicedns'], rows))
}

async function inOrder<T, R>(all: readonly T[], work: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const each of all) results.push(await work(each))
  return results
}

/** Seconds of processor time for a reply. */
async function measure(kind: ServerKind, { algorithm, cached, questions }: Workload, seconds: number): Promise<number> {
  if (!installed(kind)) return Number.NaN
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-signed-'))
  const { base } = writeKeyFiles(folder, 'key', { zone, algorithm })
  const server = await startServer(kind, {
    files: { db: ['$TTL 3600\n@ SOA ns h 1 2 3 4 30\n@ NS ns\n', ...names.map((name) => `${name} A 192.0.2.1\n`)] },
    corefile: ({ dns }) =>
      `${zone}:${dns} {\n${cached ? '  cache 3600\n' : ''}  dnssec {\n    key file ${base}\n  }\n  file db\n}\n`,
  })
  try {
    await untilAnswering(server, `h0.${zone}`, 'A')
    await costOf(server, questions('warm'), seconds / 2)
    return await costOf(server, questions('asked'), seconds)
  } finally {
    await server.stop()
    rmSync(folder, { recursive: true })
  }
}

async function costOf(server: Server, questions: readonly string[], seconds: number): Promise<number> {
  const before = cpuTime(server.pid)
  const { answered } = await offer({ port: server.ports.dns, questions, seconds, dnssecOk: true })
  const after = cpuTime(server.pid)
  return (after.user + after.system - before.user - before.system) / answered
}
