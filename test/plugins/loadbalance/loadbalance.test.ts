import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import { dataPlaneEffects } from '../../../src/plugin/capabilities/data-plane-effects.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { loadbalance } from '../../../src/plugins/loadbalance/index.ts'
import {
  ask,
  createPluginHarness,
  handle,
  messageOf,
  type Reply,
  replying,
  setUp,
} from '../../support/plugin-harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'slicedns-'))
after(() => rmSync(folder, { recursive: true }))

const addresses = Array.from({ length: 4 }, (_, index) => `a.org. 5 IN A 10.${index + 1}.0.1`)

async function sections(instance: Instance, question: string, reply: Reply) {
  const message = messageOf(await handle(instance, ask(question), replying(reply)))
  const text = (records: typeof message.answer) => records.map((record) => recordText(record).replace(/\s+/g, ' '))
  return { answer: text(message.answer), authority: text(message.authority), additional: text(message.additional) }
}

/** How often each record came first in the answer of `times` replies. */
async function firsts(instance: Instance, times: number, question = 'a.org. A', reply: Reply = { answer: addresses }) {
  const counts = new Map<string, number>()
  for (let i = 0; i < times; i++) {
    const [first] = (await sections(instance, question, reply)).answer
    counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  return counts
}

/** Pearson's test: true when the counts could well come from equal chances (p > 0.0001). */
function even(counts: ReadonlyMap<string, number>, kinds: number): boolean {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  const expected = total / kinds
  const squares = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 21.1 is the limit for the 3 degrees of freedom of 4 kinds.
  return counts.size === kinds && squares < 21.1
}

describe('loadbalance round_robin', () => {
  it('loadbalance round_robin gives each address the first place equally often', async () => {
    assert.ok(even(await firsts(setUp(loadbalance, 'loadbalance'), 4_000), 4))
  })

  it('loadbalance round_robin puts CNAMEs first, then other records in their order, then addresses, then MX', async () => {
    const reply: Reply = {
      answer: ['a.org. 5 IN MX 10 m.', 'a.org. 5 IN TXT "t"', 'a.org. 5 IN A 10.0.0.1', 'a.org. 5 IN CNAME b.'],
      authority: ['a.org. 5 IN NS n1.', 'a.org. 5 IN NS n2.'],
      additional: ['m. 5 IN SRV 0 0 1 n.', 'm. 5 IN CNAME c.'],
    }
    assert.deepEqual(await sections(setUp(loadbalance, 'loadbalance round_robin'), 'a.org. MX', reply), {
      answer: ['a.org. 5 IN CNAME b.', 'a.org. 5 IN TXT "t"', 'a.org. 5 IN A 10.0.0.1', 'a.org. 5 IN MX 10 m.'],
      authority: reply.authority,
      additional: ['m. 5 IN CNAME c.', 'm. 5 IN SRV 0 0 1 n.'],
    })
  })

  it('loadbalance round_robin shuffles addresses of both families together, MX among themselves, and glue too', async () => {
    const instance = setUp(loadbalance, 'loadbalance')
    const seen = new Set<string>()
    const reply: Reply = {
      answer: ['a. 5 IN MX 1 x.', 'a. 5 IN MX 1 y.'],
      additional: ['x. 5 IN A 10.0.0.1', 'x. 5 IN AAAA ::1'],
    }
    for (let i = 0; i < 200; i++) {
      const { answer, additional } = await sections(instance, 'a. MX', reply)
      seen.add(answer[0]).add(additional[0])
    }
    assert.deepEqual(seen, new Set([...reply.answer!, ...reply.additional!]))
  })

  it('loadbalance round_robin leaves negative replies and zone transfers alone', async () => {
    const instance = setUp(loadbalance, 'loadbalance')
    const untouched: readonly (readonly [string, Reply])[] = [
      ['a.org. A', { rcode: 'NXDOMAIN', answer: addresses }],
      ['a.org. AXFR', { answer: addresses }],
      ['a.org. IXFR', { answer: addresses }],
    ]
    for (const [question, reply] of untouched)
      for (let i = 0; i < 20; i++) assert.deepEqual((await sections(instance, question, reply)).answer, addresses)
  })

  it('loadbalance round_robin lets the data plane shuffle what it answers', () => {
    const instance = setUp(loadbalance, 'loadbalance')
    assert.deepEqual(capabilityOf(instance, dataPlaneEffects), { shuffle: true })
    assert.equal(capabilityOf(instance, transparency), undefined)
  })

  it('loadbalance round_robin puts preferred networks in front in the order written, and shuffles within each', async () => {
    const instance = setUp(loadbalance, 'loadbalance {\nprefer 10.2.0.0/16\nprefer 10.1.0.0/16 2001:db8::/32\n}')
    const answer = [
      'c. 5 IN A 10.3.0.1',
      'c. 5 IN AAAA 2001:db8::1',
      'c. 5 IN A 10.1.0.1',
      'c. 5 IN A 10.1.0.2',
      'a. 5 IN CNAME c.',
      'c. 5 IN A 10.2.0.1',
      'a. 5 IN TXT "t"',
    ]
    const within = new Set<string>()
    for (let i = 0; i < 100; i++) {
      const got = (await sections(instance, 'a. A', { answer })).answer
      assert.deepEqual(got.slice(0, 2), ['a. 5 IN CNAME c.', 'c. 5 IN A 10.2.0.1'])
      assert.deepEqual(got.slice(4), ['c. 5 IN AAAA 2001:db8::1', 'c. 5 IN A 10.3.0.1', 'a. 5 IN TXT "t"'])
      within.add(got[2])
    }
    assert.deepEqual(within, new Set(['c. 5 IN A 10.1.0.1', 'c. 5 IN A 10.1.0.2']))
    assert.equal(capabilityOf(instance, transparency)?.claims('a.')?.answers, 'all', 'the data plane knows no networks')
  })
})

describe('loadbalance weighted', () => {
  function weighted(content: string | undefined, harness = createPluginHarness()) {
    const file = join(folder, `weights-${Math.random()}`)
    if (content !== undefined) writeFileSync(file, content)
    const instance = setUp(
      loadbalance,
      `loadbalance weighted ${file.slice(folder.length + 1)} {\nreload 10s\n}`,
      harness,
      {
        root: folder,
      },
    )
    instance.start?.()
    return { instance, file, harness }
  }

  it('loadbalance weighted draws the first address by weight, 1 where the file names none', async () => {
    const { instance } = weighted('A.org\n10.2.0.1 7\n\n# comment\nother.org.\n10.1.0.1 255\n')
    const counts = await firsts(instance, 4_000)
    const share = (counts.get(addresses[1]) ?? 0) / 4_000
    assert.ok(Math.abs(share - 0.7) < 0.04, `7 of 10 parts: ${share}`)
    assert.equal(counts.size, 4)
  })

  it('loadbalance weighted only swaps: the others keep their places', async () => {
    const { instance } = weighted('a.org\n10.3.0.1 255\n')
    for (let i = 0; i < 50; i++) {
      const { answer } = await sections(instance, 'a.org. A', { answer: addresses })
      const moved = answer.filter((line, index) => line !== addresses[index])
      assert.ok(moved.length === 0 || (moved.length === 2 && moved.includes(answer[0])), answer.join(' '))
    }
  })

  it('loadbalance weighted leaves other types alone', async () => {
    const { instance } = weighted('a.org\n10.3.0.1 255\n')
    for (let i = 0; i < 20; i++)
      assert.deepEqual((await sections(instance, 'a.org. MX', { answer: addresses })).answer, addresses)
  })

  it('loadbalance weighted reads the file again when it changes, and keeps the last weights while it is wrong', async () => {
    const { instance, file, harness } = weighted('a.org\n10.1.0.1 255\n')
    const favourite = async () => [...(await firsts(instance, 100))].sort((a, b) => b[1] - a[1])[0][0]
    writeFileSync(file, 'a.org\n10.2.0.1 255\n')
    harness.clock.advance(10_000)
    assert.equal(await favourite(), addresses[1])
    writeFileSync(file, 'a.org\n10.3.0.1 256\n')
    harness.clock.advance(30_000)
    assert.equal(await favourite(), addresses[1])
    const errors = harness.lines.filter((line) => line.startsWith('[ERROR]'))
    assert.equal(errors.length, 1, 'told once')
    assert.match(errors[0], /:2 - the weight '256' must be a number from 1 to 255/)
    await instance.stop?.()
    writeFileSync(file, 'a.org\n10.4.0.1 255\n')
    harness.clock.advance(30_000)
    assert.equal(await favourite(), addresses[1], 'stopped')
  })

  it('loadbalance weighted starts without the file, and uses it once it is there', async () => {
    const { instance, file, harness } = weighted(undefined)
    assert.match(harness.lines[0], /^\[WARNING\] .*Failed to open weight file:.*\. Will try again in 10s$/)
    assert.ok(even(await firsts(instance, 4_000), 4))
    writeFileSync(file, 'a.org\n10.4.0.1 255\n')
    harness.clock.advance(10_000)
    assert.ok(((await firsts(instance, 100)).get(addresses[3]) ?? 0) > 80)
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['10.0.0.1 5\n', /:1 - 10\.0\.0\.1 must follow a domain name/],
    ['a.org\n10.0.0.1\n', /:2 - the weight of 10\.0\.0\.1 is missing/],
    ['a.org\n10.0.0.1 0\n', /:2 - the weight '0' must be a number from 1 to 255/],
    ['a.org\n10.0.0.1 300\n', /:2 - the weight '300'/],
    ['a.org\n10.0.0.1 x\n', /:2 - the weight 'x'/],
    ['a.org\n10.0.0.x 1\n', /:2 - '10\.0\.0\.x' is not an IP address/],
    ['a.org b c\n', /:1 - 'a\.org b c' is neither NAME nor ADDRESS WEIGHT/],
  ]
  for (const [content, error] of wrong)
    it(`loadbalance weighted refuses a weight file that reads ${JSON.stringify(content)}`, () =>
      assert.throws(() => weighted(content), error))

  for (const content of ['', 'a.org\n', 'a.org\na.org\n10.0.0.1 1\n10.0.0.1 2\n', '  a.org  \n\t10.0.0.1   4\n::1 3\n'])
    it(`loadbalance weighted accepts a weight file that reads ${JSON.stringify(content)}`, () => void weighted(content))
})

describe('loadbalance, SRV records of an answer', () => {
  const file = join(folder, 'weights-beside-srv')
  writeFileSync(file, 't1.\n10.0.0.1 7\n')
  for (const policy of ['round_robin', `weighted ${file}`, 'round_robin {\n prefer 10.0.0.0/8\n}']) {
    it(`SRV records of an answer keep their order, which is drawn already for a traffic split: ${policy.split(/[ {]/)[0]}`, async () => {
      const instance = setUp(loadbalance, `loadbalance ${policy}`)
      const answer = [3, 1, 2, 5, 4].map((target) => `a.org. 5 IN SRV 0 ${target} 80 t${target}.`)
      const additional = [1, 2, 3, 4, 5].map((target) => `t${target}. 5 IN A 10.0.0.${target}`)
      for (let i = 0; i < 20; i++) {
        assert.deepEqual((await sections(instance, 'a.org. SRV', { answer, additional })).answer, answer)
      }
    })
  }
})
