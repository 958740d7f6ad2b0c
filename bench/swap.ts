/**
 * Claim: clients do not notice that the cluster's DNS is replaced, rolled or killed. A real control plane with the real kube-proxy, a
 * process in a network namespace for each pod, and fifty pods that ask the cluster's Service with the tries of real resolvers.
 */
import { join } from 'node:path'
import { runIsolated } from '../test/support/isolated.ts'
import { clientKinds } from '../test/support/node/client-counts.ts'
import type { Outcome } from '../test/support/node/program.ts'
import type { Context } from './lib/context.ts'
import { millis, table, thousands } from './lib/numbers.ts'
import { serverPriority } from './lib/process.ts'

const program = join(import.meta.dirname, '../test/support/node/program.ts')

/** Each a cluster of its own, and what is done to it; the first step of some only prepares the others. */
const runs: readonly { readonly perSecond: number; readonly steps: readonly string[] }[] = [
  { perSecond: 1000, steps: ['there', 'restart', 'back'] },
  { perSecond: 5000, steps: ['there', 'restart-with-snapshot', 'kill', 'cut'] },
  { perSecond: 5000, steps: ['there', 'restart-with-snapshot', 'kill-and-cut'] },
  { perSecond: 5000, steps: ['three-coredns', 'restart-coredns', 'kill', 'cut'] },
  { perSecond: 5000, steps: ['three-coredns', 'kill-and-cut'] },
]

const described: Readonly<Record<string, string>> = {
  there: 'CoreDNS is replaced by slicedns',
  back: 'slicedns is replaced by CoreDNS',
  restart: 'rolling restart of three slicedns',
  'restart-with-snapshot': 'the Corefile gets a snapshot, rolling restart of three slicedns',
  'restart-coredns': 'rolling restart of three CoreDNS',
  'three-coredns': 'CoreDNS is scaled from two to three',
  kill: 'one of them gets SIGKILL',
  cut: "another's network is cut",
  'kill-and-cut': 'one gets SIGKILL, the network of another is cut',
}

export async function run({ print }: Context): Promise<void> {
  const rows: string[][] = []
  for (const { perSecond, steps } of runs) {
    for await (const outcome of runIsolated<Outcome>(program, [String(perSecond), ...steps], serverPriority)) {
      for (const { name, seconds, lostOnce, lostTwice, back } of outcome.steps)
        rows.push([
          described[name]!,
          thousands(perSecond),
          seconds.toFixed(1),
          thousands(perSecond * seconds),
          thousands(lostOnce),
          ...clientKinds.map((kind) => thousands(lostTwice[kind])),
          back === undefined ? '' : millis(back),
        ])
      const { sent, answered, failed, unclaimed, latency, exits } = outcome
      const codes = [...new Set(exits)].join(', ')
      print(
        `${steps.join(', ')}: ${thousands(sent)} queries, ${thousands(answered)} answered, ${JSON.stringify(failed)} failed, ` +
          `${thousands(unclaimed)} replies that no socket took, ` +
          `p50 ${millis(latency.p50)} ms, p99 ${millis(latency.p99)} ms; ${codes}`,
      )
    }
  }
  const twice = clientKinds.map((kind) => `none to two: ${kind}`)
  print(
    table(['what happens', 'queries/s', 'seconds', 'asked', 'no reply to one try', ...twice, 'back after ms'], rows),
  )
}
