import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rcode } from '../../src/dns/codes.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import { type RelayForward, relayTarget } from '../../src/plugin/capabilities/relay.ts'
import { capabilityOf } from '../../src/plugin/capability.ts'
import type { Query } from '../../src/plugin/query.ts'
import { forward } from '../../src/plugins/forward/index.ts'
import { answersOf, createForwardHarness, errorOf, rcodeOf } from '../support/forward-harness.ts'
import { createPluginHarness, failing, handle, messageOf, ask as question, setUp } from '../support/plugin-harness.ts'
import { until } from '../support/until.ts'
import { answering, type Script, silent, startUpstream } from '../support/upstream.ts'

test('every exchange has a source port and an ID of its own (RFC 5452 §9.2)', async (t) => {
  const { ask, servers } = await createForwardHarness(t, [answering()])
  for (let i = 0; i < 40; i++) await ask(`n${i}.example.org. A`)
  const { arrived } = servers[0]
  assert.ok(new Set(arrived.map(({ port }) => port)).size >= 38)
  assert.ok(new Set(arrived.map(({ query }) => query.id)).size >= 38)
})

test('a question that a UDP thread has asked and gives up for another one is asked again at once, and the upstream is not suspected', async (t) => {
  const { instance, plugin, servers } = await createForwardHarness(t, [answering('192.0.2.7')])
  const [{ number }] = (capabilityOf(instance, relayTarget)!.forwardOf('.') as RelayForward).upstreams
  const query: Query = {
    ...question('a.example.org. A', { receivedAt: plugin.clock.now() }),
    begun: {
      upstream: number,
      startedAt: plugin.clock.now(),
      take(receiver) {
        queueMicrotask(receiver.takenBack)
        return { cancel: () => undefined }
      },
    },
  }
  assert.deepEqual(answersOf(await handle(instance, query, failing(rcode.NOTIMP))), [
    'a.example.org. 300 IN A 192.0.2.7',
  ])
  assert.deepEqual([servers[0].arrived.length, servers[0].checks.length], [1, 0])
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
  const { ask } = await createForwardHarness(t, [script])
  assert.deepEqual(answersOf(await ask('a.example.org. A')), ['a.example.org. 300 IN A 192.0.2.1'])
})

test('the client gets FORMERR as from CoreDNS when nothing but answers to other questions come', async (t) => {
  const { ask, settle } = await createForwardHarness(t, [({ reply }) => reply({}, { questions: [] })])
  const { value } = await settle(ask('a.example.org. A'))
  assert.equal(rcodeOf(value), rcode.FORMERR)
})

for (const name of ['FORMERR', 'SERVFAIL', 'NOTIMP', 'REFUSED'] as const)
  test(`a header with ${name} and no question is an answer, passed on at once`, async (t) => {
    const { ask, servers } = await createForwardHarness(t, [
      ({ query, send }) =>
        send(Uint8Array.of(query.id >> 8, query.id & 0xff, 0x80, rcode[name], 0, 0, 0, 0, 0, 0, 0, 0)),
    ])
    // The clock stands still: nothing is waited for.
    const reply = messageOf(await ask('a.example.org. A'))
    assert.deepEqual([reply.rcode, reply.id, reply.questions[0].name], [rcode[name], 17, 'a.example.org.'])
    assert.equal(servers[0].arrived.length, 1)
  })

test('a header with NXDOMAIN and no question may be forged, and does not end the wait', async (t) => {
  const script: Script = (arrived) => {
    const { query, send } = arrived
    send(Uint8Array.of(query.id >> 8, query.id & 0xff, 0x80, rcode.NXDOMAIN, 0, 0, 0, 0, 0, 0, 0, 0))
    answering()(arrived)
  }
  const { ask } = await createForwardHarness(t, [script])
  assert.equal(answersOf(await ask('a.example.org. A')).length, 1)
})

test('an answer that is damaged behind its question becomes an empty one with TC', async (t) => {
  const cut: Script = ({ query, send }) => {
    const answer = [parseRecord('a.example.org. 60 IN TXT "long enough to be cut"')]
    send(encodeMessage({ ...query, response: true, answer }, { limit: 512 }).slice(0, -5))
  }
  const { ask } = await createForwardHarness(t, [cut])
  const reply = messageOf(await ask('a.example.org. TXT'))
  assert.ok(reply.truncated)
  assert.deepEqual(reply.answer, [])
})

test('the transport follows the client; TC is relayed', async (t) => {
  const truncating: Script = (arrived) =>
    arrived.via === 'udp' ? arrived.reply({}, { truncated: true }) : answering()(arrived)
  const { ask, servers } = await createForwardHarness(t, [truncating])
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
  const forced = await createForwardHarness(t, [truncating], 'force_tcp')
  assert.equal(answersOf(await forced.ask('a.example.org. A')).length, 1)
  const preferring = await createForwardHarness(t, [truncating], 'prefer_udp')
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
  const { ask, servers, plugin } = await createForwardHarness(t, [answering()])
  for (let i = 0; i < 5; i++) await ask(`n${i}.example.org. A`, { transport: 'tcp' })
  assert.equal(servers[0].connections(), 1)
  assert.match(
    await plugin.metrics.text(),
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
  const { ask, servers, plugin } = await createForwardHarness(t, [answering()], 'expire 3s')
  await ask('a.example.org. A', { transport: 'tcp' })
  plugin.clock.advance(3000)
  await ask('b.example.org. A', { transport: 'tcp' })
  assert.equal(servers[0].connections(), 2)
})

test('many questions over TCP share few connections, whatever the order of the answers', async (t) => {
  const held: (() => void)[] = []
  const { ask, servers } = await createForwardHarness(t, [(arrived) => void held.push(() => answering()(arrived))])
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

for (const [address, transport] of [
  ['0.0.0.0', 'udp'],
  ['0.0.0.0', 'tcp'],
] as const)
  test(`an upstream at ${address} is this machine, over ${transport}`, async (t) => {
    const server = await startUpstream()
    const instance = setUp(forward, `forward . ${address}:${server.port}`, createPluginHarness())
    t.after(async () => {
      await instance.stop?.()
      await server.close()
    })
    const outcome = await handle(instance, question('a.example.org. A', { transport }), failing(rcode.NOTIMP))
    assert.equal(answersOf(outcome).length, 1)
  })

test('the exchanges that a client has waiting for a silent upstream are bounded, and others are served meanwhile', async (t) => {
  const { ask, servers, plugin, settle } = await createForwardHarness(t, [silent], '', { upstreamExchanges: 50 })
  const flood = Array.from({ length: 250 }, (_, i) => ask(`n${i}.example.org. A`, { client: '192.0.2.66' }))
  const refused = await Promise.race(flood)
  assert.equal(rcodeOf(refused), rcode.SERVFAIL)
  assert.match(errorOf(refused), /too many queries wait for upstreams/)
  assert.match(await plugin.metrics.text(), /^slicedns_forward_refused_exchanges_total\{reason="share"\} 200$/m)
  servers[0].script = answering()
  const other = await settle(ask('other.example.org. A', { client: '192.0.2.1' }))
  assert.equal(answersOf(other.value).length, 1)
  assert.match(await plugin.metrics.text(), /^slicedns_forward_refused_exchanges_total\{reason="share"\} 201$/m)
  await settle(Promise.all(flood))
})

test('large queries that wait for a TCP upstream which accepts and says nothing are bounded in octets', async (t) => {
  const { ask, plugin, settle } = await createForwardHarness(t, [silent], 'force_tcp')
  const cookie = { code: 65001, data: new Uint8Array(4000) }
  const flood = Array.from({ length: 600 }, (_, i) => ask(`n${i}.example.org. A`, { edns: { options: [cookie] } }))
  assert.equal(rcodeOf(await Promise.race(flood)), rcode.SERVFAIL)
  assert.match(await plugin.metrics.text(), /^slicedns_forward_refused_exchanges_total\{reason="octets"\} [1-9]/m)
  await settle(Promise.all(flood))
})
