import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { explainLines } from '../../../src/plugin/capabilities/explain.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Query } from '../../../src/plugin/query.ts'
import { forward } from '../../../src/plugins/forward/index.ts'
import { answersOf, createForwardHarness, errorOf, rcodeOf, saying } from '../../support/forward-harness.ts'
import { ask, createPluginHarness, failing, handle, messageOf, setUp } from '../../support/plugin-harness.ts'
import { until } from '../../support/until.ts'
import { answering, type Script, silent, startUpstream } from '../../support/upstream.ts'

test('the answer goes back with the ID and the case of the question as the client wrote them', async (t) => {
  const lowerCasing: Script = ({ query, reply }) => {
    const [{ name }] = query.questions
    const lower = name.toLowerCase()
    const answer = [{ ...parseRecord('x. 60 IN A 192.0.2.1'), name: lower }]
    reply({ answer }, { recursionAvailable: true, questions: [{ ...query.questions[0], name: lower }] })
  }
  const { ask } = await createForwardHarness(t, [lowerCasing])
  const reply = messageOf(await ask('WwW.Example.ORG. A'))
  assert.equal(reply.id, 17)
  assert.equal(reply.questions[0].name, 'WwW.Example.ORG.')
  assert.deepEqual(reply.answer.map(recordText), ['WwW.Example.ORG. 60 IN A 192.0.2.1'])
  assert.ok(reply.recursionAvailable)
})

test('the question goes out as the client asked it: case, RD, CD, AD, DO and EDNS options; the EDNS size is ours', async (t) => {
  const { ask, servers } = await createForwardHarness(t, [answering()])
  const options = [{ code: 10, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }]
  const padding = { code: 12, data: new Uint8Array(3000) }
  await ask('WwW.Example.ORG. A', {
    edns: { payloadSize: 1400, dnssecOk: true, options: [padding, ...options] },
    request: { checkingDisabled: true, recursionDesired: false },
  })
  const [{ query }] = servers[0].arrived
  assert.equal(query.questions[0].name, 'WwW.Example.ORG.')
  assert.deepEqual([query.recursionDesired, query.checkingDisabled], [false, true])
  assert.deepEqual([query.edns?.payloadSize, query.edns?.dnssecOk], [1232, true])
  assert.deepEqual(query.edns?.options, options)
})

test('identical questions on their way share one exchange; each client gets its own ID and case', async (t) => {
  const held: (() => void)[] = []
  const { ask, servers } = await createForwardHarness(t, [(arrived) => void held.push(() => answering()(arrived))])
  const spellings = ['same.example.org. A', 'SAME.example.org. A', 'same.EXAMPLE.org. A']
  const same = Array.from({ length: 99 }, (_, i) => ask(spellings[i % 3], { request: {} }))
  const others = [
    ask('same.example.org. AAAA'),
    ask('same.example.org. A', { edns: {} }),
    ask('same.example.org. A', { edns: { dnssecOk: true } }),
    ask('same.example.org. A', { transport: 'tcp' }),
    ask('same.example.org. HINFO'),
    ask('same.example.org. HINFO'),
  ]
  await until(() => assert.equal(held.length, 7))
  for (const answer of held) answer()
  const replies = (await Promise.all(same)).map(messageOf)
  await Promise.all(others)
  assert.equal(servers[0].arrived.length, 7)
  for (const [i, reply] of replies.entries()) {
    const [name] = spellings[i % 3].split(' ')
    assert.equal(reply.questions[0].name, name)
    assert.equal(reply.answer[0].name, name)
  }
})

test('questions that differ in their EDNS size alone share one exchange', async (t) => {
  const held: (() => void)[] = []
  const { ask, servers } = await createForwardHarness(t, [(arrived) => void held.push(() => answering()(arrived))])
  const answers = Array.from({ length: 500 }, (_, i) => ask('a.example.org. A', { edns: { payloadSize: 512 + i } }))
  await until(() => assert.equal(held.length, 1))
  held[0]()
  for (const answer of answers) assert.equal(answersOf(await answer).length, 1)
  assert.equal(servers[0].arrived.length, 1)
})

test('no more than eight exchanges of one name and type are under way; the next begins when one ends', async (t) => {
  const held: (() => void)[] = []
  const { ask, servers } = await createForwardHarness(t, [(arrived) => void held.push(() => answering()(arrived))])
  const cookie = (i: number) => ({ code: 10, data: Uint8Array.of(0, 0, 0, 0, 0, 0, i >> 8, i) })
  const answers = Array.from({ length: 50 }, (_, i) => ask('a.example.org. A', { edns: { options: [cookie(i)] } }))
  const other = ask('b.example.org. A')
  await until(() => assert.equal(held.length, 9))
  held.shift()?.()
  await until(() => assert.equal(servers[0].arrived.length, 10))
  servers[0].script = answering()
  for (const answer of held) answer()
  for (const answer of [...answers, other]) assert.equal(answersOf(await answer).length, 1)
})

test('two counters that alerts watch are 0 from the start', async (t) => {
  const { plugin } = await createForwardHarness(t, [answering()])
  const text = await plugin.metrics.text()
  assert.match(text, /^coredns_forward_healthcheck_broken_total 0$/m)
  assert.match(text, /^coredns_forward_max_concurrent_rejects_total 0$/m)
})

test('max_concurrent refuses what is above it, with CoreDNS words and its counter', async (t) => {
  const { ask, settle, plugin } = await createForwardHarness(t, [silent], 'max_concurrent 1')
  const first = ask('a.example.org. A')
  const second = await ask('b.example.org. A')
  assert.equal(rcodeOf(second), rcode.REFUSED)
  assert.equal(errorOf(second), 'concurrent queries exceeded maximum 1')
  assert.match(await plugin.metrics.text(), /coredns_forward_max_concurrent_rejects_total 1/)
  await settle(first)
})

test('max_concurrent is shared: a newcomer gets the oldest place of the client that has most', async (t) => {
  const { ask, servers, settle } = await createForwardHarness(t, [silent], 'max_concurrent 10')
  const flood = Array.from({ length: 20 }, (_, i) => ask(`n${i}.example.org. A`, { client: '192.0.2.66' }))
  await until(() => assert.equal(servers[0].arrived.length, 10))
  assert.equal(rcodeOf(await flood[19]), rcode.REFUSED)
  servers[0].script = answering()
  assert.equal(answersOf(await ask('a.example.org. A', { client: '192.0.2.1' })).length, 1)
  const loser = await flood[0]
  assert.ok(loser.kind === 'rcode')
  assert.deepEqual([loser.rcode, loser.extendedError?.code], [rcode.SERVFAIL, 23])
  await settle(Promise.all(flood))
})

test('max_concurrent counts exchanges: queries that share one take one place', async (t) => {
  const held: (() => void)[] = []
  const { ask } = await createForwardHarness(
    t,
    [(arrived) => void held.push(() => answering()(arrived))],
    'max_concurrent 1',
  )
  const answers = Array.from({ length: 50 }, () => ask('a.example.org. A'))
  await until(() => assert.equal(held.length, 1))
  assert.equal(rcodeOf(await ask('b.example.org. A')), rcode.REFUSED)
  held[0]()
  for (const answer of answers) assert.equal(answersOf(await answer).length, 1)
})

test('names outside FROM and names in `except` go on to the next plugin; FROM itself never does', async (t) => {
  const server = await startUpstream()
  const instance = setUp(forward, `forward example.org ${server.to} {\nexcept example.org in.example.org\n}`)
  t.after(async () => {
    await instance.stop?.()
    await server.close()
  })
  for (const [question, wanted] of [
    ['example.org. A', rcode.NOERROR],
    ['www.example.org. A', rcode.NOTIMP],
    ['example.com. A', rcode.NOTIMP],
  ] as const) {
    assert.equal(rcodeOf(await handle(instance, ask(question), failing(rcode.NOTIMP))), wanted, question)
  }
})

test('`next` and `next_on_nodata` leave the answer to the following forward', async (t) => {
  const missing = await startUpstream(saying(rcode.NXDOMAIN))
  const empty = await startUpstream(saying(rcode.NOERROR))
  const full = await startUpstream()
  const instance = setUp(
    forward,
    `forward . ${missing.to} {\nnext NXDOMAIN\n}\nforward . ${empty.to} {\nnext_on_nodata\n}\nforward . ${full.to} {\nnext NOERROR\n}`,
  )
  t.after(async () => {
    await instance.stop?.()
    for (const server of [missing, empty, full]) await server.close()
  })
  assert.equal(answersOf(await handle(instance, ask('a.example.org. A'), failing(rcode.NOTIMP))).length, 1)
})

test('round_robin begins with the next server each time, random with any', async (t) => {
  const turns = await createForwardHarness(t, [answering(), answering(), answering()], 'policy round_robin')
  await turns.ask('n0.example.org. A')
  assert.equal(turns.servers[1].arrived.length, 1, 'as in CoreDNS the second one is the first')
  for (let i = 1; i < 6; i++) await turns.ask(`n${i}.example.org. A`)
  assert.deepEqual(
    turns.servers.map(({ arrived }) => arrived.length),
    [2, 2, 2],
  )
  const random = await createForwardHarness(t, [answering(), answering()], 'policy random')
  for (let i = 0; i < 40; i++) await random.ask(`n${i}.example.org. A`)
  assert.ok(random.servers.every(({ arrived }) => arrived.length > 0))
})

test('a resolv.conf that changes is used within five seconds; a broken one leaves the old servers, logged once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'forward-'))
  const file = join(folder, 'resolv.conf')
  writeFileSync(file, '# ours\nnameserver 127.0.0.1\nsearch example.org\nnameserver nonsense\n')
  const plugin = createPluginHarness()
  const instance = setUp(forward, `forward . ${file}`, plugin)
  await instance.start?.()
  t.after(async () => {
    await instance.stop?.()
    rmSync(folder, { recursive: true })
  })
  const servers = (): string => capabilityOf(instance, explainLines)?.(ask('a.example.org. A') as Query)?.join() ?? ''
  const afterFiveSeconds = (look: () => void) =>
    until(() => {
      plugin.clock.advance(5000)
      look()
    })
  assert.match(servers(), /127\.0\.0\.1:53/)
  writeFileSync(file, 'nameserver 127.0.0.2\nnameserver ::1\n')
  await afterFiveSeconds(() => assert.match(servers(), /127\.0\.0\.2:53 .*\[::1\]:53/))
  assert.doesNotMatch(servers(), /127\.0\.0\.1:53/)
  writeFileSync(file, 'nothing of use\n')
  await afterFiveSeconds(() =>
    assert.match(plugin.lines.at(-1) ?? '', /has no nameserver; keeping the previous nameservers/),
  )
  rmSync(file)
  await afterFiveSeconds(() => assert.match(plugin.lines.at(-1) ?? '', /cannot read .*resolv\.conf/))
  for (let look = 0; look < 12; look++) {
    plugin.clock.advance(5000)
    // The file is read as often by the plugin: its reads have been answered when this one is.
    await assert.rejects(readFile(file))
  }
  assert.match(servers(), /127\.0\.0\.2:53 .*\[::1\]:53/)
  writeFileSync(file, 'nameserver 127.0.0.3\n')
  await afterFiveSeconds(() => assert.match(servers(), /127\.0\.0\.3:53/))
  assert.equal(plugin.lines.filter((line) => /cannot read .*resolv\.conf/.test(line)).length, 1)
})

test('a server that two configurations use is one, with what is known of its health', async (t) => {
  const plugin = createPluginHarness()
  const server = await startUpstream()
  const before = setUp(forward, `forward . ${server.to}`, plugin)
  await handle(before, ask('a.example.org. A', { transport: 'tcp' }), failing(rcode.NOTIMP))
  const after = setUp(forward, `forward . ${server.to}`, plugin)
  await before.stop?.()
  t.after(async () => {
    await after.stop?.()
    await server.close()
  })
  await handle(after, ask('b.example.org. A', { transport: 'tcp' }), failing(rcode.NOTIMP))
  assert.equal(server.connections(), 1)
})

test('durations are counted by server and rcode as CoreDNS counts them', async (t) => {
  const { ask, plugin, servers } = await createForwardHarness(t, [saying(rcode.NXDOMAIN)])
  await ask('a.example.org. A')
  const wanted = `coredns_proxy_request_duration_seconds_count{proxy_name="forward",rcode="NXDOMAIN",to="${servers[0].to}"} 1`
  assert.ok((await plugin.metrics.text()).includes(wanted))
})

for (const [transport, body] of [
  ['UDP', ''],
  ['TCP', 'force_tcp'],
])
  test(`connections over ${transport} that are counted are those of questions, not of health checks`, async (t) => {
    const options = `${body}\nread_timeout 100ms\nmax_connect_attempts 1`
    const { ask, plugin, servers, settle } = await createForwardHarness(t, [silent], options)
    await settle(ask('a.example.org. A'))
    await settle(until(() => assert.ok(servers[0].checks.length > 2)))
    const counted = (await plugin.metrics.text()).matchAll(/^coredns_proxy_conn_cache_\w+_total\{.*\} (\d+)$/gm)
    const sum = [...counted].reduce((total, [, count]) => total + Number(count), 0)
    assert.deepEqual([servers[0].arrived.length, sum], [1, 1])
  })
