/** Zones from primaries: transfers whole and of what has changed, the timers of the SOA, NOTIFY. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { rcode, rcodeName, type } from '../../../src/dns/codes.ts'
import type { ResourceRecord } from '../../../src/dns/message.ts'
import { readSoa, recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import { secondary } from '../../../src/plugins/secondary/index.ts'
import { transferSource } from '../../../src/plugins/transfer/capability.ts'
import { ask, createPluginHarness, handle, type PluginHarness, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'
import { type Script, type ScriptedUpstream, startUpstream } from '../../support/upstream.ts'

const second = 1000
const soa = (serial: number, timers = '100 10 1000') => parseRecord(`a. 60 IN SOA ns.a. host.a. ${serial} ${timers} 60`)
const www = (address: string) => parseRecord(`www.a. 60 IN A ${address}`)
const ns = parseRecord('a. 60 IN NS ns.a.')

/** What a primary has, and what it says of a transfer in place of that. */
interface Primary {
  soa: ResourceRecord
  records: readonly ResourceRecord[]
  /** The records of an IXFR reply; undefined: it does not know IXFR. */
  changes?: readonly ResourceRecord[] | undefined
  /** `CODE` of every reply, or silence. */
  fails?: number | 'silent' | undefined
}

const scriptOf =
  (primary: Primary): Script =>
  ({ query, reply }) => {
    const { qtype } = { qtype: query.questions[0].type }
    if (primary.fails === 'silent') return
    if (primary.fails !== undefined) return reply({ rcode: primary.fails })
    if (qtype === type.SOA) return reply({ answer: [primary.soa], authoritative: true })
    if (qtype === type.AXFR) return reply({ answer: [primary.soa, ...primary.records, primary.soa] })
    const { serial } = readSoa(query.authority[0].rdata)
    if (serial === readSoa(primary.soa.rdata).serial) return reply({ answer: [primary.soa] })
    return primary.changes ? reply({ answer: primary.changes }) : reply({ rcode: rcode.NOTIMP })
  }

async function startPrimary(t: TestContext, primary: Primary): Promise<ScriptedUpstream> {
  const server = await startUpstream(scriptOf(primary))
  t.after(server.close)
  return server
}

/** Questions that arrived, by type. */
const askedOf = ({ arrived }: ScriptedUpstream, qtype: number): number =>
  arrived.filter(({ query }) => query.questions[0].type === qtype).length

async function started(t: TestContext, primaries: readonly ScriptedUpstream[], harness = createPluginHarness()) {
  const text = `secondary a {\ntransfer from ${primaries.map(({ to }) => to).join(' ')}\n}`
  const instance = setUp(secondary, text, harness)
  await instance.start?.()
  t.after(() => instance.stop?.())
  return { harness, instance, at: (name: string) => seen(instance, name) }
}

async function seen(instance: Instance, question: string): Promise<string> {
  const outcome = await handle(instance, ask(question), () => ({ kind: 'drop', plugin: 'next' }))
  if (outcome.kind === 'drop') return 'passed'
  if (outcome.kind === 'rcode') return rcodeName(outcome.rcode)
  const { message } = outcome
  return `${rcodeName(message.rcode)} ${message.answer.map((record) => recordText(record).split(' ').at(-1)).join()}`.trimEnd()
}

/** Lets time pass, once, and waits for what comes of it: an exchange that has begun needs turns of the event loop. */
async function passing(harness: PluginHarness, milliseconds: number, check: () => unknown): Promise<void> {
  harness.clock.advance(milliseconds)
  await until(check)
}

/** Waits until so many checks have failed: the next one is then a matter of time. */
const failures = (harness: PluginHarness, times: number): Promise<void> =>
  until(async () =>
    assert.match(await harness.metrics.text(), new RegExp(`slicedns_secondary_failures_total.* ${times}$`, 'm')),
  )

const found = (harness: PluginHarness, line: string): void => assert.match(harness.lines.join('\n'), new RegExp(line))

const shows = async (at: (name: string) => Promise<string>, wanted: string): Promise<void> =>
  assert.match(await at('www.a. A'), new RegExp(wanted.replaceAll('.', '\\.')))

describe('the plugin secondary', () => {
  it('a zone is SERVFAIL until it is transferred, and then answered with authority', async (t) => {
    const primary = await startPrimary(t, { soa: soa(1), records: [ns, www('192.0.2.1')] })
    const { instance, at } = await started(t, [primary])
    assert.equal(await at('www.a. A'), 'SERVFAIL')
    await until(() => shows(at, 'NOERROR 192.0.2.1'))
    assert.equal(await at('none.a. A'), 'NXDOMAIN')
    assert.equal(await at('b. A'), 'passed')
    assert.equal(capabilityOf(instance, transferSource)?.serial('a.'), 1)
  })

  it('a primary that does not have the zone is passed over for the next one', async (t) => {
    const first = await startPrimary(t, { soa: soa(1), records: [], fails: rcode.NOTAUTH })
    const next = await startPrimary(t, { soa: soa(1), records: [ns, www('192.0.2.1')] })
    const { at } = await started(t, [first, next])
    await until(() => shows(at, 'NOERROR 192.0.2.1'))
  })

  it('a zone that no primary gives is asked for again, and logged once', async (t) => {
    const state: Primary = { soa: soa(1), records: [ns, www('192.0.2.1')], fails: rcode.REFUSED }
    const primary = await startPrimary(t, state)
    const { harness, at } = await started(t, [primary])
    for (const [times, pause] of [250, 500, 1000].entries()) {
      await failures(harness, times + 1)
      harness.clock.advance(pause)
    }
    await failures(harness, 4)
    assert.match(
      harness.lines.join('\n'),
      /^\[WARNING\] plugin\/secondary: All 'a\.' masters failed to transfer: 127\.0\.0\.1:\d+: it answered REFUSED$/,
    )
    state.fails = undefined
    await passing(harness, 2 * second, () => shows(at, 'NOERROR 192.0.2.1'))
  })

  it('the zone is checked after REFRESH, and transferred when its serial is newer', async (t) => {
    const state: Primary = { soa: soa(1), records: [ns, www('192.0.2.1')] }
    const primary = await startPrimary(t, state)
    const { harness, at } = await started(t, [primary])
    await until(() => shows(at, '192.0.2.1'))
    harness.clock.advance(99 * second)
    assert.equal(askedOf(primary, type.SOA), 0)
    await passing(harness, 6 * second, () => found(harness, 'it is not newer'))
    state.soa = soa(2)
    state.records = [ns, www('192.0.2.2')]
    await passing(harness, 105 * second, () => shows(at, '192.0.2.2'))
  })

  it('a serial that is older, by RFC 1982, is not transferred', async (t) => {
    const state: Primary = { soa: soa(5), records: [ns, www('192.0.2.1')] }
    const primary = await startPrimary(t, state)
    const { instance, harness, at } = await started(t, [primary])
    await until(() => shows(at, '192.0.2.1'))
    state.soa = soa(4)
    notify(instance)
    await passing(harness, second, () => found(harness, 'zone a. has serial 4 at .*: it is not newer'))
    assert.equal(askedOf(primary, type.AXFR) + askedOf(primary, type.IXFR), 1)
  })

  it('NOTIFY of a primary is answered at once, and makes the zone checked', async (t) => {
    const state: Primary = { soa: soa(1), records: [ns, www('192.0.2.1')] }
    const primary = await startPrimary(t, state)
    const { instance, harness, at } = await started(t, [primary])
    await until(() => shows(at, '192.0.2.1'))
    state.soa = soa(2)
    state.records = [ns, www('192.0.2.2')]
    const outcome = notify(instance)
    assert.ok(outcome.kind === 'reply')
    assert.deepEqual([outcome.message.authoritative, outcome.message.opcode, outcome.message.rcode], [true, 4, 0])
    await passing(harness, second, () => shows(at, '192.0.2.2'))
  })

  it('NOTIFY of anybody else is dropped', async (t) => {
    const primary = await startPrimary(t, { soa: soa(1), records: [ns, www('192.0.2.1')] })
    const { instance, harness } = await started(t, [primary])
    assert.deepEqual(notify(instance, '192.0.2.7'), { kind: 'drop', plugin: 'secondary' })
    assert.match(harness.lines.join('\n'), /Dropping notify from 192\.0\.2\.7 for a\./)
  })

  it('a zone whose primaries are away is tried again every RETRY, and expires after EXPIRE', async (t) => {
    const state: Primary = { soa: soa(1), records: [ns, www('192.0.2.1')] }
    const primary = await startPrimary(t, state)
    const { harness, instance, at } = await started(t, [primary])
    await until(() => shows(at, '192.0.2.1'))
    state.fails = rcode.SERVFAIL
    harness.clock.advance(105 * second)
    for (const times of [1, 2, 3]) {
      await failures(harness, times)
      await shows(at, '192.0.2.1')
      harness.clock.advance(12 * second)
    }
    await failures(harness, 4)
    await shows(at, '192.0.2.1')
    harness.clock.advance(1000 * second)
    assert.equal(await at('www.a. A'), 'SERVFAIL')
    assert.equal(capabilityOf(instance, transferSource)?.snapshot('a.'), undefined)
    await failures(harness, 5)
    state.fails = undefined
    await passing(harness, 12 * second, () => shows(at, '192.0.2.1'))
  })

  it('a zone whose timers are 0 is checked within 6 seconds, and does not expire before', async (t) => {
    const primary = await startPrimary(t, { soa: soa(1, '0 0 0'), records: [ns, www('192.0.2.1')] })
    const { harness, at } = await started(t, [primary])
    await until(() => shows(at, 'NOERROR 192.0.2.1'))
    const before = askedOf(primary, type.SOA)
    harness.clock.advance(999)
    assert.equal(askedOf(primary, type.SOA), before)
    await passing(harness, 5001, () => assert.ok(askedOf(primary, type.SOA) > before))
    await shows(at, 'NOERROR 192.0.2.1')
    assert.doesNotMatch(harness.lines.join('\n'), /has expired/)
  })

  it('a zone is kept for all of EXPIRE, also where that is longer than a timer can be', async (t) => {
    const day = 86_400
    const state: Primary = { soa: soa(1, `${99 * day} ${99 * day} ${28 * day}`), records: [ns, www('192.0.2.1')] }
    const primary = await startPrimary(t, state)
    const { harness, at } = await started(t, [primary])
    await until(() => shows(at, '192.0.2.1'))
    state.fails = 'silent'
    harness.clock.advance((28 * day - 1) * second)
    await shows(at, '192.0.2.1')
    harness.clock.advance(second)
    assert.equal(await at('www.a. A'), 'SERVFAIL')
  })

  const old = soa(1)
  const middle = soa(2)
  const changed: readonly (readonly [string, readonly ResourceRecord[], string])[] = [
    ['one change', [soa(3), old, www('192.0.2.1'), soa(3), www('192.0.2.3'), soa(3)], '192.0.2.3'],
    [
      'two changes, one after the other',
      [
        soa(3),
        old,
        www('192.0.2.1'),
        middle,
        www('192.0.2.2'),
        middle,
        www('192.0.2.2'),
        soa(3),
        www('192.0.2.3'),
        soa(3),
      ],
      '192.0.2.3',
    ],
    ['a change that only adds', [soa(3), old, soa(3), www('192.0.2.3'), soa(3)], '192.0.2.1,192.0.2.3'],
    ['the whole zone', [soa(3), ns, www('192.0.2.3'), soa(3)], '192.0.2.3'],
  ]
  for (const [what, changes, wanted] of changed)
    it(`an IXFR reply of ${what} is applied`, async (t) => {
      const state: Primary = { soa: old, records: [ns, www('192.0.2.1')], changes }
      const primary = await startPrimary(t, state)
      const { instance, harness, at } = await started(t, [primary])
      await until(() => shows(at, '192.0.2.1'))
      state.soa = soa(3)
      notify(instance)
      await passing(harness, second, () => shows(at, `NOERROR ${wanted}`))
      assert.equal(askedOf(primary, type.AXFR), 1)
      assert.equal(capabilityOf(instance, transferSource)?.serial('a.'), 3)
    })

  const unusable: readonly (readonly [string, readonly ResourceRecord[] | undefined])[] = [
    ['NOTIMP', undefined],
    ['changes of another serial', [soa(3), middle, soa(3), www('192.0.2.9'), soa(3)]],
    ['changes that remove what is not there', [soa(3), old, www('192.0.2.8'), soa(3), www('192.0.2.9'), soa(3)]],
  ]
  for (const [what, changes] of unusable)
    it(`an IXFR reply of ${what} makes the zone transferred whole`, async (t) => {
      const state: Primary = { soa: old, records: [ns, www('192.0.2.1')], changes }
      const primary = await startPrimary(t, state)
      const { instance, harness, at } = await started(t, [primary])
      await until(() => shows(at, '192.0.2.1'))
      state.soa = soa(3)
      state.records = [ns, www('192.0.2.3')]
      notify(instance)
      await passing(harness, second, () => shows(at, 'NOERROR 192.0.2.3'))
      assert.equal(askedOf(primary, type.AXFR), 2)
    })

  const broken: readonly (readonly [string, readonly ResourceRecord[], RegExp])[] = [
    ['that does not begin with the SOA', [www('192.0.2.1'), soa(1)], /the first record is not the SOA record/],
    ['that ends with another SOA', [soa(1), ns, soa(2)], /the last SOA record is not the first one/],
    ['of another zone', [parseRecord('b. 60 IN SOA ns.b. host.b. 1 2 3 4 5')], /the SOA of b\. is not the zone's/],
    ['with NSEC3', [soa(1), parseRecord('x.a. 60 IN NSEC3PARAM \\# 5 0100000100'), soa(1)], /NSEC3 is not supported/],
    [
      'with a record that no zone can have',
      [soa(1), { name: 'x.a.', type: type.OPT, class: 1, ttl: 0xffffffff, rdata: new Uint8Array() }, ns, soa(1)],
      /OPT cannot be in a zone/,
    ],
    ['that goes on behind its end', [soa(1), soa(1), ns], /records follow the last SOA record/],
  ]
  for (const [what, records, reason] of broken)
    it(`a transfer ${what} fails`, async (t) => {
      const server = await startUpstream(({ reply }) => reply({ answer: records }))
      t.after(server.close)
      const { harness, at } = await started(t, [server])
      await until(() => assert.match(harness.lines.join('\n'), reason))
      assert.equal(await at('www.a. A'), 'SERVFAIL')
      assert.match(await harness.metrics.text(), /slicedns_secondary_failures_total\{zone="a\."\} 1/)
    })

  it('a primary that says nothing is given up after 10 seconds', async (t) => {
    const primary = await startPrimary(t, { soa: soa(1), records: [], fails: 'silent' })
    const { harness } = await started(t, [primary])
    await until(() => assert.equal(askedOf(primary, type.AXFR), 1))
    await passing(harness, 10 * second, () => assert.match(harness.lines.join('\n'), /no message came for 10 s/))
  })

  it('a transfer whose connection breaks off fails', async (t) => {
    const server = await startUpstream(({ reply, hangUp }) => {
      reply({ answer: [soa(1), ns] })
      hangUp()
    })
    t.after(server.close)
    const { harness } = await started(t, [server])
    await until(() => assert.match(harness.lines.join('\n'), /the connection was closed before the reply was complete/))
  })

  it('a reload keeps the zone', async (t) => {
    const primary = await startPrimary(t, { soa: soa(1), records: [ns, www('192.0.2.1')] })
    const { harness, at } = await started(t, [primary])
    await until(() => shows(at, '192.0.2.1'))
    const next = await started(t, [primary], harness)
    await shows(next.at, '192.0.2.1')
    assert.equal(askedOf(primary, type.AXFR), 1)
  })
})

function notify(instance: Instance, client = '127.0.0.1') {
  const query = ask('a. SOA', { client, request: { opcode: 4, questions: [{ name: 'a.', type: 6, class: 1 }] } })
  const outcome = handle(instance, query, () => ({ kind: 'drop', plugin: 'next' }))
  assert.ok(!(outcome instanceof Promise))
  return outcome
}
