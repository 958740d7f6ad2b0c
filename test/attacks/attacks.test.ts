/**
 * The attacks of the security review against the built server in a memory cgroup of 170 MiB, each twice as large: it is
 * not killed, goes on answering, is as before two seconds later, and ends at SIGTERM. SLICEDNS_ATTACK=9 runs finding 9.
 */
import '../support/alone.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unmet, without } from '../support/peers.ts'
import { podMemory, runAttack } from './arena.ts'
import { attacks } from './list.ts'
import { createMemoryCgroup } from './memory-cgroup.ts'
import { faults, summary } from './verdict.ts'

const skip = noCgroup() || without('dig')
const only = process.env.SLICEDNS_ATTACK

for (const attack of attacks)
  if (only === undefined || Number(only) === attack.finding)
    test(`the server withstands finding ${attack.finding}: ${attack.title}`, { skip }, async (t) => {
      const report = await runAttack(attack, { name: 'slicedns', command: undefined })
      t.diagnostic(summary(report))
      assert.deepEqual(faults(report, attack), [], report.output.slice(-2_000))
    })

function noCgroup(): string | false {
  const cgroup = createMemoryCgroup(podMemory)
  if ('refused' in cgroup) return unmet(`needs a memory cgroup, as root may make one (${cgroup.refused})`)
  cgroup.remove()
  return false
}
