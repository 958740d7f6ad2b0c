/**
 * Hostile packets over UDP and TCP, drawn anew each time from a seed that a failure prints: every reply is what its packet
 * deserves, and what is known to be right. `npm run test:hostile -- --packets 50000000` is the full run.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import '../support/alone.ts'
import { without } from '../support/peers.ts'
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
