/** How observed answers come from the rings to the server: when somebody says so, in bounded pieces, with every loss told. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { transportCode } from '../../src/answer/api.ts'
import { createQueryRing, createResponder, LOCAL } from '../../src/answer/index.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import type { AnsweredQuery } from '../../src/plugin/observer.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { openQueryLogReader, routeOf } from '../../src/transport/query-log.ts'
import { questionMessage } from '../answer/harness.ts'
import { openGiven } from '../answer/query-ring-thread.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { collectingLog } from '../support/plugin-harness.ts'
import { zoneName } from '../table/arbitraries.ts'

const client = { address: '2001:db8::7', port: 4000 }
const local = { address: '2001:db8::53', port: 53 }

function createQueryLogHarness(known = true) {
  const clock = createFakeClock()
  const lines: string[] = []
  const metrics = createMetrics()
  const dropped = metrics.counter('dropped', 'Lost.', []).with()
  const heard: AnsweredQuery[] = []
  const onAnswered = (query: AnsweredQuery) => {
    heard.push(query)
    return known
  }
  const opened = openQueryLogReader({
    onAnswered,
    clock,
    log: collectingLog(lines),
    dropped,
    onCollect: (collect) => metrics.onCollect(collect),
  })

  /** A responder with a ring of its own. Its queries are answered and, unless told otherwise, the reader is woken. */
  function responder(records: number) {
    const queries = createQueryRing(records)
    const ring = opened.addRing(queries)
    const { handle, space } = openGiven()
    const made = createResponder(handle, LOCAL, { queries })
    const request = encodeMessage(questionMessage(`a.${zoneName}`, 1), { limit: 512 })
    const route = routeOf(client, local)
    const ask = (count: number) => {
      for (let i = 0; i < count; i++) {
        made.answer(request, 0, request.length, space, transportCode.udp6, new Uint8Array(512), 0)
        made.observe(route)
      }
      if (made.publish(0.001)) opened.wake()
    }
    return { ask, ring }
  }
  return { clock, lines, dropped, heard, responder, reader: opened, metrics }
}

describe('observed answers', () => {
  it('observed answers reach the server a moment later, each with what is known of it', () => {
    const { clock, heard, responder } = createQueryLogHarness()
    responder(8).ask(2)
    assert.equal(heard.length, 0, 'the way in does not wait for the log')
    clock.advance(10)
    assert.equal(heard.length, 2)
    assert.deepEqual(heard[0], {
      id: 0xbeef,
      opcode: 0,
      qname: `a.${zoneName}`,
      name: `a.${zoneName}`,
      qtype: 1,
      qclass: 1,
      transport: 'udp',
      client,
      local,
      edns: undefined,
      requestOctets: 33,
      rcode: 3,
      flags: 0x8503,
      replyOctets: heard[0].replyOctets,
      denial: true,
      receivedAt: 0,
      seconds: 0.001,
    })
  })

  it('observed answers are polled while there are some, and again after a wake-up', () => {
    const { clock, heard, responder } = createQueryLogHarness()
    const { ask } = responder(8)
    for (let i = 1; i <= 3; i++) {
      ask(1)
      clock.advance(10)
      assert.equal(heard.length, i)
    }
    clock.advance(1000)
    ask(1)
    clock.advance(10)
    assert.equal(heard.length, 4)
  })

  it('observed answers are delivered at a bounded rate, by turns of the rings; the rest is counted and logged each second', () => {
    const { clock, heard, lines, dropped, responder } = createQueryLogHarness()
    const [first, second] = [responder(512), responder(512)]
    first.ask(600)
    second.ask(600)
    clock.advance(10)
    assert.equal(heard.length, 200)
    assert.equal(dropped.value, 176)
    clock.advance(90)
    assert.equal(heard.length, 1024)
    assert.deepEqual(lines, [])
    clock.advance(1000)
    assert.deepEqual(lines, [
      '[WARNING] 176 queries answered from the table are missing in log and dnstap: more came than they take',
    ])
    clock.advance(5000)
    assert.equal(lines.length, 1)
  })

  it('observed answers from a space that nobody knows are counted as not logged', () => {
    const { reader: opened, lines, dropped, responder } = createQueryLogHarness(false)
    responder(8).ask(3)
    opened.close()
    assert.equal(dropped.value, 3)
    assert.equal(lines.length, 1)
  })

  it('observed answers are all delivered when a thread is gone, when somebody asks for it, and at the end', () => {
    const { clock, heard, reader: opened, responder } = createQueryLogHarness()
    const [gone, asked, left] = [responder(8), responder(8), responder(8)]
    gone.ask(1)
    gone.ring.remove()
    assert.equal(heard.length, 1)
    asked.ask(1)
    opened.drain()
    assert.equal(heard.length, 2)
    clock.advance(100)
    asked.ask(1)
    clock.advance(10)
    assert.equal(heard.length, 3, 'a ring that was emptied meanwhile is heard again')
    left.ask(1)
    opened.close()
    assert.equal(heard.length, 4)
  })

  it('observed answers are counted as lost at a scrape, too', async () => {
    const { metrics, responder } = createQueryLogHarness()
    responder(4).ask(5)
    assert.match(await metrics.text(), /^dropped 1$/m)
  })
})
