/** Failures of upstreams are kept for a short time (RFC 9520). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { replySource } from '../../../src/plugin/capabilities/reply-source.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import { createFailures } from '../../../src/plugins/forward/failures.ts'
import { forward } from '../../../src/plugins/forward/index.ts'
import type { CachedEntry } from '../../../src/table/api.ts'
import { NoPlace } from '../../../src/upstream/places.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { answersOf, createForwardHarness, rcodeOf, saying } from '../../support/forward-harness.ts'
import { ask, createPluginHarness, failing, handle, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'
import { answering, type Script, silent, startUpstream } from '../../support/upstream.ts'

const question = 'a.example.org. A'

const garbage: Script = ({ send, query }) => send(Uint8Array.of(query.id >> 8, query.id, 0x80))

test('a question that goes on failing is asked after 1, 2, 4 and then every 5 seconds, and after an answer as at first', async (t) => {
  const { ask, plugin, servers } = await createForwardHarness(t, [saying(rcode.SERVFAIL)])
  const askedAt: number[] = []
  for (let second = 0; second <= 20; second++) {
    const before = servers[0].arrived.length
    servers[0].script = second === 17 ? answering() : saying(rcode.SERVFAIL)
    assert.equal(rcodeOf(await ask(question)), second === 17 ? rcode.NOERROR : rcode.SERVFAIL)
    if (servers[0].arrived.length > before) askedAt.push(second)
    plugin.clock.advance(1000)
  }
  assert.deepEqual(askedAt, [0, 1, 3, 7, 12, 17, 18, 19])
})

test('a kept failure has the ID and the case of the client, and the errors of the first one', async (t) => {
  const { ask, servers } = await createForwardHarness(t, [saying(rcode.SERVFAIL)])
  await ask(question)
  const again = await ask('A.Example.ORG. A', { request: { id: 99 } })
  assert.equal(again.kind, 'reply')
  if (again.kind === 'reply') {
    assert.deepEqual([again.message.id, again.message.questions[0].name], [99, 'A.Example.ORG.'])
  }
  assert.equal(servers[0].arrived.length, 1)
})

test('silence and garbage are failures, REFUSED and other rcodes are answers', async (t) => {
  for (const [script, kept] of [
    [silent, true],
    [garbage, true],
    [saying(rcode.REFUSED), false],
    [saying(rcode.FORMERR), false],
    [saying(rcode.NXDOMAIN), false],
  ] as const) {
    const { ask, settle, servers } = await createForwardHarness(
      t,
      [script],
      'max_connect_attempts 1\nread_timeout 200ms',
    )
    await settle(ask(question))
    const before = servers[0].arrived.length
    await settle(ask(question))
    assert.equal(servers[0].arrived.length > before, !kept)
  }
})

test('a kept failure is in the answer table, so that UDP threads do not relay the question', async (t) => {
  const { ask, instance, plugin } = await createForwardHarness(t, [saying(rcode.SERVFAIL)])
  const entries: CachedEntry[] = []
  capabilityOf(instance, replySource)?.attach({ put: (entry) => void entries.push(entry), remove: () => undefined })
  for (let i = 0; i < 3; i++) await ask('A.example.org. A', { edns: { dnssecOk: true } })
  const [{ name, type, dnssecOk, checkingDisabled, expiresAt, reply }, ...others] = entries
  assert.deepEqual(
    [name, type, dnssecOk, checkingDisabled, expiresAt - plugin.clock.now(), reply[3] & 15, others.length],
    ['a.example.org.', 1, true, false, 1000, rcode.SERVFAIL, 0],
  )
})

test('a question with a cookie fails as the same one without it', async (t) => {
  const { ask, servers } = await createForwardHarness(t, [saying(rcode.SERVFAIL)])
  const cookie = { code: 10, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }
  for (const options of [[cookie], [], [cookie]]) await ask(question, { edns: { options } })
  assert.equal(servers[0].arrived.length, 1)
})

test('another name, type or transport is asked at once', async (t) => {
  const { ask, servers } = await createForwardHarness(t, [saying(rcode.SERVFAIL)])
  await ask(question)
  for (const other of ['b.example.org. A', 'a.example.org. AAAA']) await ask(other)
  await ask(question, { transport: 'tcp' })
  assert.equal(servers[0].arrived.length, 4)
})

test('an upstream that comes back ends the failures that were kept', async (t) => {
  const { ask, settle, servers } = await createForwardHarness(t, [silent], 'max_connect_attempts 1\nread_timeout 200ms')
  await settle(ask(question))
  await settle(until(() => assert.ok(servers[0].checks.length > 1)))
  servers[0].script = answering()
  const { milliseconds } = await settle(until(async () => assert.equal(answersOf(await ask(question)).length, 1)))
  assert.ok(
    milliseconds <= 1600,
    `${milliseconds} ms: the check that waits ends in a second, the next comes after half a one`,
  )
})

test('with `cache` in front the cache decides, so that `servfail 0` keeps nothing', async (t) => {
  const server = await startUpstream(saying(rcode.SERVFAIL))
  const plugin = createPluginHarness()
  const front = setUp(cache, 'cache example.org {\nservfail 0\n}', plugin)
  const instance = setUp(forward, `forward . ${server.to}`, plugin, { others: { cache: front } })
  await instance.start?.()
  t.after(async () => {
    await instance.stop?.()
    await server.close()
  })
  const asked = async (name: string) => {
    for (let i = 0; i < 3; i++) await handle(instance, ask(name), failing(rcode.NOTIMP))
    return server.arrived.length
  }
  assert.equal(await asked('a.example.org. A'), 3)
  assert.equal(await asked('a.example.com. A'), 4)
})

test('a cache forgets its failures when an upstream has come back', async (t) => {
  const server = await startUpstream(silent)
  const plugin = createPluginHarness()
  const back = setUp(forward, `forward . ${server.to} {\nmax_connect_attempts 1\nread_timeout 200ms\n}`, plugin)
  const front = setUp(cache, 'cache {\nservfail 5m\n}', plugin, { others: { forward: back } })
  front.start?.()
  await back.start?.()
  t.after(async () => {
    await back.stop?.()
    await server.close()
  })
  const outcome = () => handle(front, ask(question), (query) => handle(back, query, failing(rcode.NOTIMP)))
  const first = outcome()
  await until(() => {
    plugin.clock.advance(100)
    assert.equal(server.checks.length, 2)
  })
  assert.equal(rcodeOf(await first), rcode.SERVFAIL)
  server.script = answering()
  await until(async () => {
    plugin.clock.advance(100)
    assert.equal(rcodeOf(await outcome()), rcode.NOERROR)
  })
})

test('no more than 1,024 failures are kept: the oldest goes, and is counted; a bound of ours is no failure', () => {
  let evicted = 0
  const failures = createFailures({ clock: createFakeClock(), recoveries: () => 0, onEvicted: () => void evicted++ })
  failures.note('bound', { kind: 'failed', error: new NoPlace('too many queries wait for upstreams') })
  assert.equal(failures.get('bound'), undefined)
  for (let i = 0; i < 1025; i++) failures.note(`n${i}`, { kind: 'mismatch' })
  assert.deepEqual([evicted, failures.get('n0'), failures.get('n1')?.kind], [1, undefined, 'mismatch'])
})
