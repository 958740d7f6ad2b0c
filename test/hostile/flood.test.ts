/**
 * Hostile packets over UDP and TCP, drawn anew each time from a seed that a failure prints: every reply is what its packet
 * deserves, and what is known to be right. `npm run test:hostile -- --packets 50000000` is the full run.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { without } from '../support/peers.ts'
import { compareWithCoreDns } from './flood/beside-coredns.ts'
import { runFlood } from './flood/run.ts'

const seed = Number(process.env.SLICEDNS_FLOOD_SEED ?? Math.floor(Math.random() * 1e9))

describe('a flood of hostile packets', { skip: without('gcc') }, () => {
  test('each gets the reply that it deserves, a bystander its answers, and the server is what it was', async (t) => {
    const { udp, tcp, failures } = await runFlood({
      seed,
      from: 0,
      udp: 15_000,
      tcp: 3_000,
      seconds: 0,
      recovery: 20_000,
      report: () => undefined,
    })
    t.diagnostic(`${udp.known + tcp.known} answers were right`)
    assert.deepEqual(failures, [], `SLICEDNS_FLOOD_SEED=${seed}`)
    assert.deepEqual([udp.sent, tcp.sent], [15_000, 3_000])
    assert.ok(udp.known > 3_000 && tcp.known > 500)
  })
})

describe('CoreDNS 1.15.0 beside a flooded server', { skip: without('gcc', 'coredns') }, () => {
  test('both reply the same to hostile packets, but for what docs/differences.md has a reason for', async (t) => {
    const { packets, equal, unexplained } = await compareWithCoreDns(seed, 2_000)
    t.diagnostic(`${equal} of ${packets} equal`)
    assert.deepEqual(unexplained, [], `SLICEDNS_FLOOD_SEED=${seed}`)
    assert.ok(equal > 1_500)
  })
})
