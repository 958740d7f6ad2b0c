/** Which queries UDP threads relay beside which plugins, and what `explain` says of the others. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rcode, type } from '../../../src/dns/codes.ts'
import { parseMessage } from '../../../src/dns/wire.ts'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'
import { until } from '../../support/until.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../../support/upstream.ts'
import { ask, queryOf, startRelaying, untilRelaying } from './support.ts'

const summary = (reply: Uint8Array): string => {
  const { rcode: code, answer } = parseMessage(reply)
  return [code, ...answer.map(({ rdata }) => rdata.join('.'))].join(' ')
}
const answered = `${rcode.NOERROR} 192.0.2.1`

describe('the plugins beside which queries are relayed', () => {
  let upstream: ScriptedUpstream
  let server: LoopbackServer
  const corefile = (directives: string, options = '') =>
    `.:${server.port} {\nbind 127.0.0.1\n${directives}\nforward . ${upstream.to} {\n${options}\n}\n}\n`
  const relayed = () => server.metric('slicedns_relayed_total')

  before(async () => {
    upstream = await startUpstream(answering())
    server = await startRelaying((port) => `.:${port} {\nbind 127.0.0.1\nforward . ${upstream.to}\n}\n`)
  })
  after(async () => {
    await server.stop()
    await upstream.close()
  })

  for (const directives of [
    'errors\nlog',
    'cancel',
    'nsid',
    'loadbalance\nbufsize 1232\nany\nchaos',
    'acl {\nallow net 127.0.0.0/8\nblock\n}',
    'acl {\nfilter type TXT\n}',
    'rewrite name exact a.other. b.other.',
    'no_aaaa',
    'cache 30 {\nserve_stale 1h\n}',
    'cache 30 {\nprefetch 2 1m 20%\n}',
    'cache 30 {\nkeepttl\nservfail 0\n}',
  ])
    it(`queries are relayed beside ${directives.replaceAll('\n', ' ')}`, async () => {
      upstream.script = answering()
      await server.load(corefile(directives))
      await untilRelaying(server)
    })

  it('a client that acl blocks gets REFUSED, whether or not the name is cached, and others are relayed', async () => {
    await server.load(corefile('acl {\nblock net 127.0.0.2\n}\ncache 30'))
    await untilRelaying(server)
    const query = queryOf('acl.example.', type.A)
    const from = '127.0.0.2'
    assert.equal(summary(await ask(server.port, query, from)), String(rcode.REFUSED))
    const before = await relayed()
    assert.equal(summary(await ask(server.port, query)), answered)
    assert.equal(await relayed(), before + 1)
    assert.equal(summary(await ask(server.port, query, from)), String(rcode.REFUSED))
  })

  it('clients of no view are relayed, and those of a view are for the plugins of its block', async () => {
    const { port } = server
    await server.load(
      `.:${port} {\nbind 127.0.0.1\nview second {\nexpr incidr(client_ip(), '127.0.0.2/32')\n}\ntemplate IN A . {\nanswer "{{ .Name }} 60 IN A 192.0.2.22"\n}\n}\n${corefile('')}`,
    )
    await untilRelaying(server)
    const query = queryOf('view.example.', type.A)
    const before = await relayed()
    assert.equal(summary(await ask(port, query, '127.0.0.2')), `${rcode.NOERROR} 192.0.2.22`)
    assert.equal(await relayed(), before)
    assert.equal(summary(await ask(port, query)), answered)
    assert.equal(await relayed(), before + 1)
  })

  it('a name that is not popular yet with prefetch is asked for once: the plugins answer it from the cache', async () => {
    await server.load(corefile('cache 30 {\nprefetch 3 1m 20%\n}'))
    await untilRelaying(server)
    const query = queryOf('popular.example.', type.A)
    // The first reply is with the client before it is with the cache.
    await until(async () => {
      const before = await relayed()
      assert.equal(summary(await ask(server.port, query)), answered)
      assert.equal(await relayed(), before)
    })
    upstream.arrived.length = 0
    for (let i = 0; i < 3; i++) assert.equal(summary(await ask(server.port, query)), answered)
    assert.equal(upstream.arrived.length, 0)
  })

  it('a name is served stale with serve_stale as long as its upstream fails', async () => {
    await server.load(corefile('cache {\nsuccess 1000 1 0\nserve_stale 1h\n}'))
    await untilRelaying(server)
    const query = queryOf('stale.example.', type.A)
    assert.equal(summary(await ask(server.port, query)), answered)
    upstream.script = ({ reply }) => reply({ rcode: rcode.SERVFAIL })
    for (let stale = 0; stale < 3; ) {
      const reply = await ask(server.port, query)
      assert.equal(summary(reply), answered)
      if (parseMessage(reply).answer[0].ttl === 0) stale++
    }
  })

  for (const [what, directives, options, reason] of [
    ['forward', '', 'force_tcp', 'forward: force_tcp'],
    ['forward', '', 'next SERVFAIL', 'forward: next may ask another forward'],
    ['forward', '', 'failover NXDOMAIN', 'forward: failover NXDOMAIN may ask another upstream'],
    ['cancel', 'cancel 100ms', '', 'cancel: it may change any query or reply'],
    ['header', 'header {\nresponse set ra\n}', '', 'minimal or header may change the reply'],
    ['rewrite', 'rewrite name regex (.*)-x(.*) {1}{2}', '', 'rewrite: '],
    ['hosts', 'hosts {\n192.0.2.9 www.example.\n}', '', 'hosts: it answers names in .'],
  ] as const)
    it(`explain says which plugin keeps a name: ${what} ${directives.replaceAll('\n', ' ')} ${options}`, async () => {
      await server.load(corefile(directives, options))
      const { path, notRelayed } = await server.explain('why.example.', 'A')
      assert.equal(path, 'chain')
      assert.ok(notRelayed.startsWith(reason), notRelayed)
    })
})

it('explain says that a name is relayed', async () => {
  const upstream = await startUpstream(answering())
  const server = await startLoopbackServer((port) => `.:${port} {\nbind 127.0.0.1\nforward . ${upstream.to}\n}\n`)
  await untilRelaying(server)
  const { path, notRelayed } = await server.explain('why.example.', 'A')
  assert.deepEqual([path, notRelayed], ['relay', ''])
  await server.stop()
  await upstream.close()
})
