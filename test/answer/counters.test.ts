import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transportCode } from '../../src/answer/api.ts'
import { collect } from '../../src/answer/counters.ts'
import { collectMisses, createResponder } from '../../src/answer/index.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { zoneName } from '../table/arbitraries.ts'
import { createResponderHarness, ednsOf, questionMessage } from './harness.ts'

const node = { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() } as const
const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0)

describe('the counters of the data plane', () => {
  it('the data plane counts requests by family and type, responses by rcode, DO, sizes and durations, for each class and proto', () => {
    const { table, space, profileId, responder, ask } = createResponderHarness()
    table.put(space, profileId, zoneName, node)
    ask(zoneName, 28, { edns: ednsOf({ dnssecOk: true }) })
    responder.count(transportCode.udp4, 1, 0.0003)
    ask(zoneName, 65)
    responder.count(transportCode.udp6, 2, 100)
    ask(`no.${zoneName}`, 999)
    responder.count(transportCode.udp4, 1, 0.0001)
    ask(zoneName, 1, { by: transportCode.stream })
    responder.count(transportCode.stream, 1, 0.001)
    const [udp, tcp] = [...collect(table)].sort((a, b) => b.proto.localeCompare(a.proto))
    assert.deepEqual(
      [udp.server, udp.zone, udp.view, udp.plugin, udp.proto, tcp.proto],
      ['dns://:53', '.', '', 'kubernetes', 'udp', 'tcp'],
    )
    assert.deepEqual([...udp.requests].sort(), [
      ['1AAAA', 1],
      ['1other', 1],
      ['2HTTPS', 1],
    ])
    assert.deepEqual(
      [...udp.responses],
      [
        ['NOERROR', 2],
        ['NXDOMAIN', 1],
      ],
    )
    assert.equal(udp.doRequests, 1)
    assert.deepEqual([udp.duration.counts[0], udp.duration.counts[1], udp.duration.counts[16]], [1, 1, 1])
    assert.ok(Math.abs(udp.duration.sum - 100.0004) < 1e-9)
    // 12 + 15 + 4 octets, and 11 of an OPT.
    assert.equal(udp.requestSize.sum, 31 + 11 + 31 + 34)
    assert.equal(sum(udp.responseSize.counts), 3)
    assert.deepEqual([...tcp.requests], [['1A', 1]])
  })

  it('the octets of a reply as CoreDNS does: names not compressed, OPT left out', () => {
    const { table, space, profileId, responder, ask } = createResponderHarness()
    table.put(space, profileId, zoneName, {
      ...node,
      answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses: new Uint8Array(12) }]]),
    })
    ask(zoneName, 1, { edns: ednsOf() })
    responder.count(transportCode.udp4, 1, 0)
    assert.equal([...collect(table)][0].responseSize.sum, 12 + 15 + 4 + 3 * (15 + 10 + 4))
  })

  it('the data plane counts hits of cached replies by success and denial', () => {
    const { table, space, profileId, responder, ask } = createResponderHarness()
    for (const rcode of [0, 3]) {
      const name = `r${rcode}.example.`
      const reply = encodeMessage({ ...questionMessage(name, 16), response: true, rcode }, { limit: 512 })
      const key = { name, type: 16, dnssecOk: false, checkingDisabled: false, authenticData: false }
      table.putCached(space, profileId, { ...key, reply, denial: rcode === 3, storedAt: 0, expiresAt: 1000 })
      ask(name, 16)
      responder.count(transportCode.udp4, 1, 0)
    }
    assert.deepEqual([...collect(table)][0].cacheHits, { success: 1, denial: 1 })
  })

  it('the data plane counts misses by reason, and nothing else of them', () => {
    const { table, responder, ask } = createResponderHarness()
    ask('example.com.', 1)
    responder.count(transportCode.udp4, 1, 0)
    ask('example.com.', 252)
    ask('example.com.', 43)
    assert.deepEqual([...collectMisses(table.handle)].sort(), [
      ['name', 1],
      ['unusual', 2],
    ])
    assert.deepEqual([...collect(table)], [])
  })

  for (const claimed of [1, 28, 16, 33, 65])
    it(`a rule for missing names of type ${claimed} leaves those of that type alone to the chain, and they are counted so`, () => {
      const { table, space, profileId, responder, ask } = createResponderHarness()
      table.put(space, profileId, zoneName, node)
      table.rules(space, { first: [], missing: [{ zone: '.', names: 'zone', texts: [], types: [claimed] }] })
      for (const asked of [1, 28, 16, 33, 65]) {
        ask(`no.${zoneName}`, asked)
        if (asked !== claimed) responder.count(transportCode.udp4, 1, 0)
      }
      assert.deepEqual([...collectMisses(table.handle)], [['open', 1]])
      assert.deepEqual([...[...collect(table)][0].responses], [['NXDOMAIN', 4]])
    })

  it('the counters of a thread stay when it is gone and another has its slot', () => {
    const { table, space, profileId } = createResponderHarness()
    table.put(space, profileId, zoneName, node)
    const request = encodeMessage(questionMessage(zoneName, 1), { limit: 512 })
    const slots = new Set<number>()
    for (let thread = 0; thread < 3; thread++) {
      const reader = table.addReader()
      slots.add(reader.slot)
      const responder = createResponder(table.handle, reader.slot)
      responder.startBatch(0)
      responder.answer(request, 0, request.length, space, transportCode.udp4, new Uint8Array(512), 0)
      responder.count(transportCode.udp4, 1, 0)
      responder.offline()
      reader.release()
    }
    assert.equal(slots.size, 1)
    assert.equal([...collect(table)][0].requests.get('1A'), 3)
    assert.equal(new Int32Array(table.handle.counters)[0], 1, 'in one row')
  })

  it('the data plane sums the counters of its threads', () => {
    const { table, space, profileId } = createResponderHarness()
    table.put(space, profileId, zoneName, node)
    const request = encodeMessage(questionMessage(zoneName, 1), { limit: 512 })
    const responders = [1, 2, 3].map(() => createResponder(table.handle, table.addReader().slot))
    for (const responder of responders) {
      responder.answer(request, 0, request.length, space, transportCode.udp4, new Uint8Array(512), 0)
      responder.count(transportCode.udp4, 1, 0)
    }
    assert.equal([...collect(table)][0].requests.get('1A'), 3)
  })
})

describe('a reader in a batch', () => {
  it('a reader in a batch keeps what was retired since it began, and nothing once it has passed or gone OFFLINE', () => {
    const { table, space, profileId } = createResponderHarness()
    const reader = table.addReader()
    const responder = createResponder(table.handle, reader.slot)
    const replace = (): number => {
      const addresses = new Uint8Array(4000)
      table.put(space, profileId, zoneName, {
        ...node,
        answers: new Map([[1, { kind: 'addresses', ttl: 5, addresses }]]),
      })
      table.reclaim()
      return table.stats().retiredBytes
    }
    replace()
    assert.equal(replace(), 0, 'a reader that never began holds nothing')
    responder.startBatch(0)
    const held = replace()
    assert.ok(held > 4000)
    responder.startBatch(1)
    assert.ok(replace() <= held, 'the next batch lets go of what the one before held')
    responder.offline()
    assert.equal(replace(), 0)
    responder.startBatch(2)
    assert.ok(replace() > 0)
    reader.release()
    assert.equal(replace(), 0)
  })
})
