import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { rcode } from '../../../src/dns/codes.ts'
import { parseRecord, recordText } from '../../../src/dns/rdata.ts'
import { encodeMessage } from '../../../src/dns/wire.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Outcome, Query } from '../../../src/plugin/query.ts'
import { forward } from '../../../src/plugins/forward/index.ts'
import {
  type Asked,
  ask,
  createProcessRig,
  failing,
  handle,
  messageOf,
  type ProcessRig,
  setUp,
} from '../../support/plugin-rig.ts'
import { until } from '../../support/until.ts'
import { answering, type Script, type ScriptedUpstream, silent, startUpstream } from '../../support/upstream.ts'

interface Scene {
  readonly rig: ProcessRig
  readonly instance: Instance
  readonly servers: readonly ScriptedUpstream[]
  ask(question: string, asked?: Asked): Promise<Outcome>
  /** Lets time pass in small steps, real sockets having their turn at each, until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<{ readonly value: T; readonly milliseconds: number }>
}

/** `forward . SERVERS` with a body, in front of servers that follow these scripts. */
async function scene(t: TestContext, scripts: readonly Script[], body = 'policy sequential'): Promise<Scene> {
  const servers = await Promise.all(scripts.map((script) => startUpstream(script)))
  const rig = createProcessRig()
  const instance = setUp(forward, `forward . ${servers.map(({ to }) => to).join(' ')} {\n${body}\n}`, rig)
  await instance.start?.()
  t.after(async () => {
    await instance.stop?.()
    for (const server of servers) await server.close()
  })
  return {
    rig,
    instance,
    servers,
    ask: async (question, asked) => handle(instance, ask(question, asked), failing(rcode.NOTIMP)),
    async settle(promise) {
      const startedAt = rig.clock.now()
      let over = false
      const end = (): void => {
        over = true
      }
      promise.then(end, end)
      while (!over) {
        // A turn of the event loop for the sockets, then 10 ms of the clock.
        for (let turn = 0; turn < 5 && !over; turn++) await new Promise((resolve) => setImmediate(resolve))
        await new Promise((resolve) => setTimeout(resolve, 1))
        if (!over) rig.clock.move(10)
      }
      return { value: await promise, milliseconds: rig.clock.now() - startedAt }
    },
  }
}

const errorOf = (outcome: Outcome): string => (outcome.kind === 'drop' ? '' : (outcome.error?.message ?? ''))
const rcodeOf = (outcome: Outcome): number =>
  outcome.kind === 'reply' ? outcome.message.rcode : outcome.kind === 'rcode' ? outcome.rcode : -1
const answersOf = (outcome: Outcome): string[] => messageOf(outcome).answer.map(recordText)

test('the answer goes back with the ID and the case of the question as the client wrote them', async (t) => {
  const lowerCasing: Script = ({ query, reply }) => {
    const [{ name }] = query.questions
    const lower = name.toLowerCase()
    const answer = [{ ...parseRecord('x. 60 IN A 192.0.2.1'), name: lower }]
    reply({ answer }, { recursionAvailable: true, questions: [{ ...query.questions[0], name: lower }] })
  }
  const { ask } = await scene(t, [lowerCasing])
  const reply = messageOf(await ask('WwW.Example.ORG. A'))
  assert.equal(reply.id, 17)
  assert.equal(reply.questions[0].name, 'WwW.Example.ORG.')
  assert.deepEqual(reply.answer.map(recordText), ['WwW.Example.ORG. 60 IN A 192.0.2.1'])
  assert.ok(reply.recursionAvailable)
})

test('the question goes out as the client asked it: case, RD, CD, AD, EDNS size and options', async (t) => {
  const { ask, servers } = await scene(t, [answering()])
  const options = [{ code: 10, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }]
  await ask('WwW.Example.ORG. A', {
    edns: { payloadSize: 1400, dnssecOk: true, options },
    request: { checkingDisabled: true, recursionDesired: false },
  })
  const [{ query }] = servers[0].arrived
  assert.equal(query.questions[0].name, 'WwW.Example.ORG.')
  assert.deepEqual([query.recursionDesired, query.checkingDisabled], [false, true])
  assert.deepEqual([query.edns?.payloadSize, query.edns?.dnssecOk], [1400, true])
  assert.deepEqual(query.edns?.options, options)
})

test('every exchange has a source port and an ID of its own (RFC 5452 §9.2)', async (t) => {
  const { ask, servers } = await scene(t, [answering()])
  for (let i = 0; i < 40; i++) await ask(`n${i}.example.org. A`)
  const { arrived } = servers[0]
  assert.ok(new Set(arrived.map(({ port }) => port)).size >= 38)
  assert.ok(new Set(arrived.map(({ query }) => query.id)).size >= 38)
})

test('forged and malformed datagrams do not end the wait for the answer', async (t) => {
  const script: Script = (arrived) => {
    const { query, send, reply } = arrived
    send(Uint8Array.of(1, 2, 3))
    send(encodeMessage({ ...query, response: true, id: query.id ^ 1 }, { limit: 512 }))
    reply({}, { questions: [{ name: 'evil.example.', type: 1, class: 1 }] })
    reply({}, { questions: [] })
    reply({}, { response: false })
    reply({}, { questions: [{ ...query.questions[0], type: 28 }] })
    send(Uint8Array.of(query.id >> 8, query.id & 0xff, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xc0))
    answering()(arrived)
  }
  const { ask } = await scene(t, [script])
  assert.deepEqual(answersOf(await ask('a.example.org. A')), ['a.example.org. 300 IN A 192.0.2.1'])
})

test('when nothing but answers to other questions come, the client gets FORMERR as from CoreDNS', async (t) => {
  const { ask, settle } = await scene(t, [({ reply }) => reply({}, { questions: [] })])
  const { value } = await settle(ask('a.example.org. A'))
  assert.equal(rcodeOf(value), rcode.FORMERR)
})

test('an answer that is damaged behind its question becomes an empty one with TC', async (t) => {
  const cut: Script = ({ query, send }) => {
    const answer = [parseRecord('a.example.org. 60 IN TXT "long enough to be cut"')]
    send(encodeMessage({ ...query, response: true, answer }, { limit: 512 }).slice(0, -5))
  }
  const { ask } = await scene(t, [cut])
  const reply = messageOf(await ask('a.example.org. TXT'))
  assert.ok(reply.truncated)
  assert.deepEqual(reply.answer, [])
})

test('a silent server costs 100 ms: then the next one is asked as well', async (t) => {
  const { ask, servers, rig } = await scene(t, [silent, answering()])
  const answer = ask('a.example.org. A')
  await until(() => assert.equal(servers[0].arrived.length, 1))
  rig.clock.move(99)
  assert.equal(servers[1].arrived.length, 0)
  rig.clock.move(1)
  assert.equal(rcodeOf(await answer), rcode.NOERROR)
  assert.equal(servers[0].arrived.length, 1)
})

test('a server that is overtaken again and again is checked, comes last meanwhile, and first again when it answers', async (t) => {
  const { ask, servers, settle } = await scene(t, [silent, answering()])
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

test('with every server silent the client gets SERVFAIL within five seconds, and the log CoreDNS words', async (t) => {
  const { ask, settle, servers } = await scene(t, [silent, silent])
  const { value, milliseconds } = await settle(ask('a.example.org. A'))
  assert.equal(rcodeOf(value), rcode.SERVFAIL)
  assert.match(
    errorOf(value),
    new RegExp(`^read udp 127\\.0\\.0\\.1:\\d+->${servers[0].to}: i/o timeout|${servers[1].to}: i/o timeout$`),
  )
  assert.ok(milliseconds <= 5010, String(milliseconds))
})

/** A lone silent server that two failed checks have shown to be down. */
async function sceneOfTheDead(t: TestContext, body: string): Promise<Scene> {
  const made = await scene(t, [silent], `max_fails 1\n${body}`)
  await made.settle(made.ask('first.example.org. A'))
  await made.settle(
    until(async () => assert.match(await made.rig.metrics.text(), /proxy_healthcheck_failures_total\{.*\} 2/)),
  )
  return made
}

test('once every server is known to be down, SERVFAIL comes after half a second; a check that succeeds ends that', async (t) => {
  const { ask, settle, rig, servers } = await sceneOfTheDead(t, '')
  const answer = ask('second.example.org. A')
  rig.clock.move(500)
  assert.equal(rcodeOf(await answer), rcode.SERVFAIL)
  assert.match(await rig.metrics.text(), /coredns_forward_healthcheck_broken_total 1/)
  servers[0].script = answering()
  await settle(until(async () => assert.equal(rcodeOf(await ask('third.example.org. A')), rcode.NOERROR)))
})

test('failfast_all_unhealthy_upstreams: SERVFAIL at once', async (t) => {
  const { ask } = await sceneOfTheDead(t, 'failfast_all_unhealthy_upstreams')
  const answer = await ask('second.example.org. A')
  assert.equal(rcodeOf(answer), rcode.SERVFAIL)
  assert.equal(errorOf(answer), 'no healthy proxies')
})

test('a lone server that loses the datagram is asked once more after half its time', async (t) => {
  const { ask, rig, servers } = await scene(t, [silent])
  const answer = ask('a.example.org. A')
  await until(() => assert.equal(servers[0].arrived.length, 1))
  servers[0].script = answering()
  rig.clock.move(999)
  assert.equal(servers[0].arrived.length, 1)
  rig.clock.move(1)
  assert.equal(rcodeOf(await answer), rcode.NOERROR)
})

test('a server that refuses is left for the next one at once', async (t) => {
  const { ask, servers } = await scene(t, [silent, answering()])
  await servers[0].close()
  assert.equal(rcodeOf(await ask('a.example.org. A')), rcode.NOERROR)
  const gone = await startUpstream(silent, { port: servers[0].port })
  Object.assign(servers[0], { close: gone.close })
})

test('the transport follows the client; TC is relayed', async (t) => {
  const truncating: Script = (arrived) =>
    arrived.via === 'udp' ? arrived.reply({}, { truncated: true }) : answering()(arrived)
  const { ask, servers } = await scene(t, [truncating])
  assert.ok(messageOf(await ask('a.example.org. A')).truncated)
  assert.equal(answersOf(await ask('a.example.org. A', { transport: 'tcp' })).length, 1)
  assert.equal(answersOf(await ask('a.example.org. A', { transport: 'https' })).length, 1)
  assert.deepEqual(
    servers[0].arrived.map(({ via }) => via),
    ['udp', 'tcp', 'tcp'],
  )
})

test('force_tcp asks over TCP always; prefer_udp over UDP first, and again over TCP when that is truncated', async (t) => {
  const truncating: Script = (arrived) =>
    arrived.via === 'udp' ? arrived.reply({}, { truncated: true }) : answering()(arrived)
  const forced = await scene(t, [truncating], 'force_tcp')
  assert.equal(answersOf(await forced.ask('a.example.org. A')).length, 1)
  const preferring = await scene(t, [truncating], 'prefer_udp')
  assert.equal(answersOf(await preferring.ask('a.example.org. A', { transport: 'tcp' })).length, 1)
  assert.deepEqual(
    forced.servers[0].arrived.map(({ via }) => via),
    ['tcp'],
  )
  assert.deepEqual(
    preferring.servers[0].arrived.map(({ via }) => via),
    ['udp', 'tcp'],
  )
})

test('TCP connections are kept, and one that the server has closed is replaced without a failure', async (t) => {
  const { ask, servers, rig } = await scene(t, [answering()])
  for (let i = 0; i < 5; i++) await ask(`n${i}.example.org. A`, { transport: 'tcp' })
  assert.equal(servers[0].connections(), 1)
  assert.match(
    await rig.metrics.text(),
    /proxy_conn_cache_hits_total\{proto="tcp",proxy_name="forward",to="127[^}]*"\} 4/,
  )
  servers[0].dropConnections()
  assert.equal(rcodeOf(await ask('again.example.org. A', { transport: 'tcp' })), rcode.NOERROR)
  servers[0].script = ({ hangUp }) => {
    servers[0].script = answering()
    hangUp()
  }
  assert.equal(rcodeOf(await ask('once-more.example.org. A', { transport: 'tcp' })), rcode.NOERROR)
})

test('an idle TCP connection is closed after `expire`', async (t) => {
  const { ask, servers, rig } = await scene(t, [answering()], 'expire 3s')
  await ask('a.example.org. A', { transport: 'tcp' })
  rig.clock.move(3000)
  await ask('b.example.org. A', { transport: 'tcp' })
  assert.equal(servers[0].connections(), 2)
})

test('many questions over TCP share few connections, whatever the order of the answers', async (t) => {
  const held: (() => void)[] = []
  const { ask, servers } = await scene(t, [(arrived) => void held.push(() => answering()(arrived))])
  const answers = Array.from({ length: 100 }, (_, i) => ask(`n${i}.example.org. A`, { transport: 'tcp' }))
  await until(() => assert.equal(held.length, 100))
  for (const answer of held.reverse()) answer()
  const texts = (await Promise.all(answers)).flatMap(answersOf)
  assert.deepEqual(
    texts,
    Array.from({ length: 100 }, (_, i) => `n${i}.example.org. 300 IN A 192.0.2.1`),
  )
  assert.ok(servers[0].connections() <= 32)
})

test('identical questions on their way share one exchange; each client gets its own ID and case', async (t) => {
  const held: (() => void)[] = []
  const { ask, servers } = await scene(t, [(arrived) => void held.push(() => answering()(arrived))])
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

test('max_concurrent refuses what is above it, with CoreDNS words and its counter', async (t) => {
  const { ask, settle, rig } = await scene(t, [silent], 'max_concurrent 1')
  const first = ask('a.example.org. A')
  const second = await ask('b.example.org. A')
  assert.equal(rcodeOf(second), rcode.REFUSED)
  assert.equal(errorOf(second), 'concurrent queries exceeded maximum 1')
  assert.match(await rig.metrics.text(), /coredns_forward_max_concurrent_rejects_total 1/)
  await settle(first)
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

const saying =
  (code: number): Script =>
  ({ reply }) =>
    reply({ rcode: code })

test('an rcode in `failover` sends the query to the next server; the last answer counts when all have it', async (t) => {
  const first = await scene(t, [saying(rcode.SERVFAIL), answering()], 'policy sequential\nfailover SERVFAIL REFUSED')
  assert.equal(answersOf(await first.ask('a.example.org. A')).length, 1)
  const all = await scene(
    t,
    [saying(rcode.SERVFAIL), saying(rcode.REFUSED)],
    'policy sequential\nfailover SERVFAIL REFUSED',
  )
  assert.equal(rcodeOf(await all.ask('a.example.org. A')), rcode.REFUSED)
  assert.deepEqual(
    all.servers.map(({ arrived }) => arrived.length),
    [1, 1],
  )
  const plain = await scene(t, [saying(rcode.SERVFAIL), answering()])
  assert.equal(rcodeOf(await plain.ask('a.example.org. A')), rcode.SERVFAIL)
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
  const turns = await scene(t, [answering(), answering(), answering()], 'policy round_robin')
  for (let i = 0; i < 6; i++) await turns.ask(`n${i}.example.org. A`)
  assert.deepEqual(
    turns.servers.map(({ arrived }) => arrived.length),
    [2, 2, 2],
  )
  const random = await scene(t, [answering(), answering()], 'policy random')
  for (let i = 0; i < 40; i++) await random.ask(`n${i}.example.org. A`)
  assert.ok(random.servers.every(({ arrived }) => arrived.length > 0))
})

test('a resolv.conf that changes is used within five seconds; a broken one leaves the old servers, logged once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'forward-'))
  const file = join(folder, 'resolv.conf')
  writeFileSync(file, '# ours\nnameserver 127.0.0.1\nsearch example.org\nnameserver nonsense\n')
  const rig = createProcessRig()
  const instance = setUp(forward, `forward . ${file}`, rig)
  await instance.start?.()
  t.after(async () => {
    await instance.stop?.()
    rmSync(folder, { recursive: true })
  })
  const servers = (): string => instance.explain?.(ask('a.example.org. A') as Query)?.join() ?? ''
  const afterFiveSeconds = (look: () => void) =>
    until(() => {
      rig.clock.move(5000)
      look()
    })
  assert.match(servers(), /127\.0\.0\.1:53/)
  writeFileSync(file, 'nameserver 127.0.0.2\nnameserver ::1\n')
  await afterFiveSeconds(() => assert.match(servers(), /127\.0\.0\.2:53 .*\[::1\]:53/))
  assert.doesNotMatch(servers(), /127\.0\.0\.1:53/)
  writeFileSync(file, 'nothing of use\n')
  await afterFiveSeconds(() => assert.match(rig.lines.at(-1) ?? '', /has no nameserver; the old ones stay in use/))
  rmSync(file)
  await afterFiveSeconds(() => assert.match(rig.lines.at(-1) ?? '', /cannot read .*resolv\.conf/))
  const lines = rig.lines.length
  rig.clock.move(60_000)
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(rig.lines.length, lines)
  assert.match(servers(), /127\.0\.0\.2:53 .*\[::1\]:53/)
})

test('a server that two configurations use is one, with what is known of its health', async (t) => {
  const rig = createProcessRig()
  const server = await startUpstream()
  const before = setUp(forward, `forward . ${server.to}`, rig)
  await handle(before, ask('a.example.org. A', { transport: 'tcp' }), failing(rcode.NOTIMP))
  const after = setUp(forward, `forward . ${server.to}`, rig)
  await before.stop?.()
  t.after(async () => {
    await after.stop?.()
    await server.close()
  })
  await handle(after, ask('b.example.org. A', { transport: 'tcp' }), failing(rcode.NOTIMP))
  assert.equal(server.connections(), 1)
})

test('durations are counted by server and rcode as CoreDNS counts them', async (t) => {
  const { ask, rig, servers } = await scene(t, [saying(rcode.NXDOMAIN)])
  await ask('a.example.org. A')
  const wanted = `coredns_proxy_request_duration_seconds_count{proxy_name="forward",rcode="NXDOMAIN",to="${servers[0].to}"} 1`
  assert.ok((await rig.metrics.text()).includes(wanted))
})
