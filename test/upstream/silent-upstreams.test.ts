import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import {
  answersOf,
  createForwardHarness,
  errorOf,
  type ForwardHarness,
  rcodeOf,
  saying,
} from '../support/forward-harness.ts'
import { until } from '../support/until.ts'
import { type Arrived, answering, type Script, silent, startUpstream } from '../support/upstream.ts'

test('a silent server costs 100 ms: then the next one is asked as well', async (t) => {
  const { ask, servers, plugin } = await createForwardHarness(t, [silent, answering()])
  const answer = ask('a.example.org. A')
  await until(() => assert.equal(servers[0].arrived.length, 1))
  plugin.clock.advance(99)
  assert.equal(servers[1].arrived.length, 0)
  plugin.clock.advance(1)
  assert.equal(rcodeOf(await answer), rcode.NOERROR)
  assert.equal(servers[0].arrived.length, 1)
})

test('a server that is overtaken again and again is checked, comes last meanwhile, and first again when it answers', async (t) => {
  const { ask, servers, settle } = await createForwardHarness(t, [silent, answering()])
  for (let i = 0; i < 3; i++) await settle(ask(`n${i}.example.org. A`))
  await until(() => assert.equal(servers[0].checks.length, 1))
  // The clock stands still: an answer means that the second was asked at once.
  await ask('now.example.org. A')
  assert.equal(servers[0].arrived.length, 3)
  servers[0].checks[0].reply()
  servers[0].script = answering('192.0.2.7')
  await until(async () => {
    assert.deepEqual(answersOf(await ask('later.example.org. A')), ['later.example.org. 300 IN A 192.0.2.7'])
  })
})

test("the client gets SERVFAIL after read_timeout when every server is silent, and the log CoreDNS's words", async (t) => {
  const { ask, settle, servers } = await createForwardHarness(t, [silent, silent])
  const { value, milliseconds } = await settle(ask('a.example.org. A'))
  assert.equal(rcodeOf(value), rcode.SERVFAIL)
  assert.match(
    errorOf(value),
    new RegExp(`^read udp 127\\.0\\.0\\.1:\\d+->${servers[0].to}: i/o timeout|${servers[1].to}: i/o timeout$`),
  )
  assert.ok(milliseconds <= 2010, String(milliseconds))
})

/** A lone silent server that two failed checks have shown to be down. */
async function createSilentUpstreamsHarness(t: TestContext, body: string): Promise<ForwardHarness> {
  const made = await createForwardHarness(t, [silent], `max_fails 1\n${body}`)
  await made.settle(made.ask('first.example.org. A'))
  await made.settle(
    until(async () => assert.match(await made.plugin.metrics.text(), /proxy_healthcheck_failures_total\{.*\} 2/)),
  )
  return made
}

test('the client gets SERVFAIL after half a second once every server is known to be down; a check that succeeds ends that', async (t) => {
  const { ask, settle, plugin, servers } = await createSilentUpstreamsHarness(t, '')
  const answer = ask('second.example.org. A')
  plugin.clock.advance(500)
  assert.equal(rcodeOf(await answer), rcode.SERVFAIL)
  assert.match(await plugin.metrics.text(), /coredns_forward_healthcheck_broken_total 1/)
  servers[0].script = answering()
  await settle(until(async () => assert.equal(rcodeOf(await ask('third.example.org. A')), rcode.NOERROR)))
})

test('failfast_all_unhealthy_upstreams: SERVFAIL at once', async (t) => {
  const { ask } = await createSilentUpstreamsHarness(t, 'failfast_all_unhealthy_upstreams')
  const answer = await ask('second.example.org. A')
  assert.equal(rcodeOf(answer), rcode.SERVFAIL)
  assert.equal(errorOf(answer), 'no healthy proxies')
})

test('a lone server that loses the datagram is asked once more after half its time', async (t) => {
  const { ask, plugin, servers } = await createForwardHarness(t, [silent])
  const answer = ask('a.example.org. A')
  await until(() => assert.equal(servers[0].arrived.length, 1))
  servers[0].script = answering()
  plugin.clock.advance(999)
  assert.equal(servers[0].arrived.length, 1)
  plugin.clock.advance(1)
  assert.equal(rcodeOf(await answer), rcode.NOERROR)
})

test('a server that refuses is left for the next one at once', async (t) => {
  const { ask, servers } = await createForwardHarness(t, [silent, answering()])
  await servers[0].close()
  assert.equal(rcodeOf(await ask('a.example.org. A')), rcode.NOERROR)
  const gone = await startUpstream(silent, { port: servers[0].port })
  Object.assign(servers[0], { close: gone.close })
})

test('an rcode in `failover` sends the query to the next server; the last answer counts when all have it', async (t) => {
  const first = await createForwardHarness(
    t,
    [saying(rcode.SERVFAIL), answering()],
    'policy sequential\nfailover SERVFAIL REFUSED',
  )
  assert.equal(answersOf(await first.ask('a.example.org. A')).length, 1)
  const all = await createForwardHarness(
    t,
    [saying(rcode.SERVFAIL), saying(rcode.REFUSED)],
    'policy sequential\nfailover SERVFAIL REFUSED',
  )
  assert.equal(rcodeOf(await all.ask('a.example.org. A')), rcode.REFUSED)
  assert.deepEqual(
    all.servers.map(({ arrived }) => arrived.length),
    [1, 1],
  )
  const once = 'policy sequential\nfailover SERVFAIL\nmax_connect_attempts 1'
  const answered = await createForwardHarness(t, [saying(rcode.SERVFAIL), answering()], once)
  assert.equal(answersOf(await answered.ask('a.example.org. A')).length, 1, 'an answer is no failed attempt')
  const plain = await createForwardHarness(t, [saying(rcode.SERVFAIL), answering()])
  assert.equal(rcodeOf(await plain.ask('a.example.org. A')), rcode.SERVFAIL)
})

const isCheck = ({ query }: Arrived): boolean => query.questions[0].name === '.'
/** It is alive, but has no answer yet. */
const slow: Script = (arrived) => {
  if (isCheck(arrived)) arrived.reply()
}

for (const [servers, body, timeout] of [
  [1, '', 2000],
  [3, '', 2000],
  [1, 'read_timeout 500ms', 500],
  [3, 'read_timeout 500ms\npolicy sequential', 500],
  [2, 'max_connect_attempts 0', 2000],
  [2, 'max_fails 0', 2000],
  [2, 'force_tcp', 2000],
] as const)
  test(`SERVFAIL comes within read_timeout when ${servers} servers are silent, with '${body}'`, async (t) => {
    const scripts = Array.from({ length: servers }, () => silent)
    const { ask, settle, servers: asked } = await createForwardHarness(t, scripts, body)
    const { value, milliseconds } = await settle(ask('a.example.org. A'))
    assert.equal(rcodeOf(value), rcode.SERVFAIL)
    assert.ok(milliseconds >= 0.9 * timeout && milliseconds <= timeout, String(milliseconds))
    for (const { arrived } of asked) assert.ok(arrived.length > 0)
  })

test('each of three servers has its turn within read_timeout, however short that is', async (t) => {
  const body = 'policy sequential\nread_timeout 150ms'
  const { ask, settle } = await createForwardHarness(t, [silent, silent, answering()], body)
  assert.equal(rcodeOf((await settle(ask('a.example.org. A'))).value), rcode.NOERROR)
})

test('a server that is slow, but answers its check, is waited for beyond read_timeout', async (t) => {
  const { ask, settle, plugin, servers } = await createForwardHarness(t, [slow])
  plugin.clock.after(2800, () => answering('192.0.2.9')(servers[0].arrived[1]))
  const { value } = await settle(ask('a.example.org. A'))
  assert.deepEqual(answersOf(value), ['a.example.org. 300 IN A 192.0.2.9'])
})

test('a question that was lost while its server was away is asked again once the server is back', async (t) => {
  const { ask, settle, plugin, servers } = await createForwardHarness(t, [silent], 'max_fails 1')
  const first = settle(ask('first.example.org. A'))
  const failed = /proxy_healthcheck_failures_total\{.*\} 1/
  await settle(until(async () => assert.equal(servers[0].checks.length, 1)))
  const second = ask('second.example.org. A')
  await settle(until(async () => assert.match(await plugin.metrics.text(), failed)))
  const asked = servers[0].arrived.length
  servers[0].script = answering()
  servers[0].checks.at(-1)!.reply()
  // The clock stands still: nothing but the server's coming back can have caused it.
  await until(() => assert.ok(servers[0].arrived.length > asked))
  assert.equal(rcodeOf(await second), rcode.NOERROR)
  await first
})

test('a server that has been silent is checked at every interval, whether or not a check still waits', async (t) => {
  const { ask, settle, plugin, servers } = await createForwardHarness(t, [silent])
  await settle(ask('a.example.org. A'))
  await until(() => assert.ok(servers[0].checks.length > 0))
  for (let more = 1; more <= 6; more++) {
    const before = servers[0].checks.length
    plugin.clock.advance(500)
    await until(() => assert.equal(servers[0].checks.length, before + 1))
  }
})

test('however slow servers are, SERVFAIL comes before resolvers give up', async (t) => {
  const { ask, settle } = await createForwardHarness(t, [slow, slow], 'max_connect_attempts 0')
  const { value, milliseconds } = await settle(ask('a.example.org. A'))
  assert.equal(rcodeOf(value), rcode.SERVFAIL)
  assert.ok(milliseconds >= 4500 && milliseconds <= 4510, String(milliseconds))
})
