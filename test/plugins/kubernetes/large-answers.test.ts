/** Answers that no message holds: table and chain send the same first records, and mark them as cut. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordText } from '../../../src/dns/text.ts'
import { createKubernetesHarness } from '../../support/kubernetes-harness.ts'

const ports = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}:TCP:${i + 1}`).join()
const endpoints = (service: string, count: number, subnet = 0): string =>
  Array.from({ length: count }, (_, i) => `endpoint ${service} shop 10.${subnet}.${i >> 8}.${i & 255} ready`).join('\n')

const big = 'big.shop.svc.cluster.local.'

describe('an answer that no message holds', () => {
  const cases: readonly (readonly [title: string, cluster: string, name: string])[] = [
    [
      'of 20 endpoints with 2,000 ports',
      `service big shop headless ports ${ports(2000)}\n${endpoints('big', 20)}`,
      big,
    ],
    [
      'of the endpoints of a ClusterIP',
      `service big shop 10.96.0.9 ports ${ports(2000)}\n${endpoints('big', 3)}\nannotate service big shop slicedns.io/endpoints true`,
      `_endpoints.${big}`,
    ],
    ['of a ClusterIP with 3,000 ports', `service big shop 10.96.0.9 ports ${ports(3000)}`, big],
    [
      'of an alias',
      `service big shop 10.96.0.9 ports ${ports(3000)}\nannotate service big shop slicedns.io/alias big.apps.example`,
      'big.apps.example.',
    ],
  ]
  for (const [title, cluster, name] of cases) {
    it(`an answer ${title} is cut and marked so by table and chain alike`, async () => {
      const harness = createKubernetesHarness({ cluster, options: 'alias_zones apps.example' })
      await harness.settled()
      const first = await harness.askChain(name, 'SRV', {})
      await harness.settled()
      const table = harness.askTable(name, 'SRV')
      assert.ok(first !== 'next' && table, 'the table has it once it was asked for')
      assert.ok(first.truncated && table.truncated)
      assert.ok(first.answer.length > 1000)
      assert.deepEqual(table.answer.map(recordText), first.answer.map(recordText))
    })
  }

  it('a split over many endpoints is left to the chain, which selects a part for each reply', async () => {
    const cluster = `service big shop 10.96.0.9
                     service one shop headless
                     service other shop headless
                     ${endpoints('one', 700, 1)}
                     ${endpoints('other', 700, 2)}
                     annotate service big shop slicedns.io/split one=3,other=1`
    const harness = createKubernetesHarness({ cluster })
    await harness.settled()
    const answers = new Set<string>()
    for (const point of [0, 0.999]) {
      harness.drawAt(point)
      const reply = await harness.askChain(big, 'SRV', {})
      await harness.settled()
      assert.equal(harness.askTable(big, 'SRV'), undefined)
      assert.ok(reply !== 'next' && reply.answer.length >= 500 && !reply.truncated)
      answers.add(reply.answer.map(recordText).sort().join('\n'))
    }
    assert.equal(answers.size, 2)
  })

  it('the name of a port beyond the 256th is answered by the chain first, then by the table', async () => {
    const harness = createKubernetesHarness({ cluster: `service big shop 10.96.0.9 ports ${ports(300)}` })
    await harness.settled()
    const name = `_p299._tcp.${big}`
    assert.equal(harness.askTable(name, 'SRV'), undefined)
    const chain = await harness.askChain(name, 'SRV', {})
    await harness.settled()
    assert.ok(chain !== 'next')
    assert.deepEqual(harness.askTable(name, 'SRV')?.answer.map(recordText), chain.answer.map(recordText))
  })
})
