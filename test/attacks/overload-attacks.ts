/** Loads of which each query is legal, and all together far too many. */
import assert from 'node:assert/strict'
import type { Attack } from './arena.ts'
import { question } from './messages.ts'
import { service, slices } from './objects.ts'
import { overload } from './overload.ts'
import { udpFlood } from './traffic.ts'

/** Of the flood below each zone. `npm run bench -- overload --seconds 60` is the long form, beside CoreDNS. */
const duration = 1

/** To an upstream that answers at once, and after a second; by the relay of a UDP thread, and by the plugin chain. */
const zones = ['good.test', 'slow.test', 'good.chained.test', 'slow.chained.test'] as const

export const overloadAttacks: readonly Attack[] = [
  {
    finding: 20,
    title: '100,000 random names a second of one client, by relay and chain, to a fast and a slow upstream',
    // What the kernel drops is lost for the judge, too: the attack's own second client tells the two apart.
    spares: ['table', 'chain'],
    onlySlicedns: true,
    async run({ server }) {
      let shed = 0
      for (const below of zones) {
        const { steady, flood } = await overload(server, {
          steadyName: '_http._tcp.web.shop.svc.cluster.local',
          steadyPerSecond: 500,
          below,
          floodPerSecond: 100_000,
          seconds: duration,
        })
        assert.ok(steady.received > 0)
        assert.equal(steady.answered, steady.received, `${below}: what the server has received of a cluster name`)
        shed += flood.servfail + flood.refused
        assert.equal(flood.explained, flood.servfail, `${below}: SERVFAIL without extended error 23`)
      }
      assert.ok(shed > 0, 'nothing was shed')
    },
  },
  {
    finding: 26,
    title: '20,000 questions a second of four clients with an EDNS size of 65,000, for a Service of 4,000 endpoints',
    objects: () => [service('shop', 'big'), ...slices('shop', 'big', 4_000)],
    async run({ ports }) {
      await Promise.all(
        [1, 2, 3, 4].map((client) =>
          udpFlood(
            ports.dns,
            { perSecond: 5_000, count: 15_000, from: `127.0.1.${client}`, receiveBuffer: 4096 },
            (id) => question('big.shop.svc.cluster.local', 'A', { id: id & 0xffff, edns: 65_000 }),
          ),
        ),
      )
    },
  },
]
