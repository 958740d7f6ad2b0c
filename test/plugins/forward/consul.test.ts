/** A stub domain of Consul, as Kubernetes's documentation has it: `cache 30` in front of `forward`. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import { createForwardHarness } from '../../support/forward-harness.ts'
import { ask, handle, messageOf, setUp } from '../../support/plugin-harness.ts'

const answer = [
  'web.service.consul. 0 IN SRV 1 7 8080 0a000001.addr.dc1.consul.',
  'web.service.consul. 0 IN SRV 1 93 8080 0a000002.addr.dc1.consul.',
]
const additional = [
  '0a000001.addr.dc1.consul. 0 IN A 10.0.0.1',
  'node-1.node.dc1.consul. 0 IN TXT "consul-network-segment="',
  '0a000002.addr.dc1.consul. 0 IN A 10.0.0.2',
]

it('SRV weights, .addr targets and TTL 0 of a Consul stub domain pass unchanged, and are not kept', async (t) => {
  const back = await createForwardHarness(t, [
    ({ reply }) =>
      reply({ answer: answer.map(parseRecord), additional: additional.map(parseRecord), authoritative: true }),
  ])
  const front = setUp(cache, 'cache 30', back.plugin, { others: { forward: back.instance } })
  front.start?.()
  for (let times = 1; times <= 2; times++) {
    const query = ask('web.service.consul. SRV')
    const reply = messageOf(
      await handle(front, query, (next) => handle(back.instance, next, () => assert.fail('there is no next plugin'))),
    )
    assert.deepEqual(reply.answer.map(recordText), answer)
    assert.deepEqual(reply.additional.map(recordText), additional)
    assert.equal(back.servers[0].arrived.length, times)
  }
})
