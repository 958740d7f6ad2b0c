/**
 * Hostile packets over UDP, TCP, TLS, HTTPS and gRPC, drawn anew each time from a seed that a failure prints: every reply is what its packet
 * deserves, and what is known to be right. `npm run test:hostile -- --packets 50000000` is the full run.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import '../support/alone.ts'
import { without } from '../support/peers.ts'
import { byWay, runFlood } from './flood/run.ts'

const seed = Number(process.env.SLICEDNS_FLOOD_SEED ?? Math.floor(Math.random() * 1e9))
const packets = { udp: 15_000, tcp: 3_000, dot: 600, https: 600, grpc: 600 }

describe('a flood of hostile packets', { skip: without('gcc') }, () => {
  test('each gets the reply that it deserves, a bystander its answers, and the server is what it was', async (t) => {
    const { ways, failures } = await runFlood({
      seed,
      from: 0,
      packets,
      seconds: 0,
      recovery: 20_000,
      report: () => undefined,
    })
    const known = Object.values(ways).reduce((sum, counts) => sum + counts.known, 0)
    t.diagnostic(`${known} answers were right`)
    assert.deepEqual(failures, [], `SLICEDNS_FLOOD_SEED=${seed}`)
    assert.deepEqual(
      byWay((way) => ways[way].sent),
      packets,
    )
    for (const [way, { sent, known: right }] of Object.entries(ways))
      assert.ok(right > sent / 6, `${way}: ${right} answers of ${sent} are known`)
  })
})
