/** What the chain gives a query of a split with more addresses than fit. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Answer } from '../../../src/cluster-dns/records/answers.ts'
import { recordsOf } from '../../../src/cluster-dns/records/reply-records.ts'
import { finishReply, replyTo } from '../../../src/dns/reply.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { selectFor } from '../../../src/plugins/kubernetes/variants.ts'
import { assertShare, fixedRandom } from '../../support/chance.ts'
import { ask } from '../../support/plugin-harness.ts'

const backend = (weight: number, octet: number, count: number) => ({
  weight,
  answer: {
    kind: 'addresses' as const,
    ttl: 5,
    addresses: Uint8Array.from({ length: 4 * count }, (_, i) => (i % 4 === 3 ? i >> 2 : octet)),
  },
})
const several: Answer = { kind: 'variants', variants: [backend(90, 1, 200), backend(10, 2, 3)] }
const options = [{ code: 10, data: new Uint8Array(8) }]
const edns = { version: 0, payloadSize: 1232, dnssecOk: false, extendedRcode: 0, options }

describe('one of several answers', () => {
  for (const [name, transport, opt, most] of [
    ['a datagram without EDNS', 'udp', undefined, 28],
    ['a datagram with EDNS', 'udp', edns, 72],
    ['a stream', 'tcp', edns, 200],
  ] as const) {
    it(`a drawn answer has as many of its addresses as fit ${name}, any of them, and is not marked as truncated`, () => {
      const random = fixedRandom(most)
      const draw = (): number => random() / 2 ** 32
      const asked = ask('web.shop.svc.cluster.local. A')
      const query = { ...asked, transport, request: { ...asked.request, edns: opt } }
      const trials = 2000
      const among = new Array<number>(200).fill(0)
      let large = 0
      for (let i = 0; i < trials; i++) {
        const answer = selectFor(query, several, draw)
        assert.equal(answer.kind, 'addresses')
        if (answer.kind !== 'addresses') continue
        const sections = recordsOf(answer, query.qname, query.qtype, 'cluster.local.')
        const reply = parseMessage(finishReply(replyTo(query.request, sections), query.request, { transport }))
        assert.ok(!reply.truncated)
        if (reply.answer[0].rdata[0] === 2) continue
        large++
        assert.ok(
          reply.answer.length >= Math.min(most, 200) && reply.answer.length <= most + 2,
          `${reply.answer.length}`,
        )
        for (const { rdata } of reply.answer) among[rdata[3]]++
      }
      assertShare(large, trials, 0.9, 'the backend with 200 addresses')
      const share = among.reduce((sum, count) => sum + count, 0) / large / 200
      for (const [i, count] of among.entries()) assertShare(count, large, share, `address ${i}`)
    })
  }

  it('an answer without a draw is truncated and marked like any other', () => {
    const only = several.kind === 'variants' ? several.variants[0].answer : undefined
    const query = { ...ask('web.shop.svc.cluster.local. A'), transport: 'udp' as const }
    assert.equal(selectFor(query, only!, Math.random), only)
  })
})
