/** Every AAAA query is NODATA without a look upstream; all else passes, in the table and on the chain. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type } from '../../../src/dns/codes.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import type { Plugin } from '../../../src/plugin/contract.ts'
import { acl } from '../../../src/plugins/acl/index.ts'
import { dns64 } from '../../../src/plugins/dns64/index.ts'
import { kubernetes } from '../../../src/plugins/kubernetes/index.ts'
import { noAaaa } from '../../../src/plugins/no_aaaa/index.ts'
import { template } from '../../../src/plugins/template/index.ts'
import { setUp } from '../../support/plugin-harness.ts'
import { type PluginServer, servePlugins } from '../../support/plugin-server.ts'
import { until } from '../../support/until.ts'

const manifests = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: shop }
spec: { clusterIP: 10.96.0.1, ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Service
metadata: { name: six, namespace: shop }
spec: { clusterIP: "fd00::1", ports: [{ port: 80 }] }
`

/** Stands for the upstreams: every name outside has an A and an AAAA record, and it counts who asks. */
const asked: string[] = []
const upstream: Plugin = {
  name: 'whoami',
  schema: { usage: '', repeat: 'once', read: () => undefined },
  setup: () => ({
    handler(query) {
      asked.push(`${query.name} ${query.qtype}`)
      const data = query.qtype === type.AAAA ? 'AAAA 2001:db8::1' : 'A 192.0.2.1'
      const answer = [parseRecord(`${query.qname} 60 IN ${data}`)]
      return { kind: 'reply', plugin: 'whoami', message: replyTo(query.request, { answer }) }
    },
  }),
}

describe('the plugin no_aaaa', () => {
  let directory: string
  const servers: PluginServer[] = []
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'no-aaaa-'))
    writeFileSync(join(directory, 'cluster.yaml'), manifests)
  })
  after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    rmSync(directory, { recursive: true })
  })

  async function serve(directives: string, zones = '.'): Promise<PluginServer> {
    const all = [dns64, acl, noAaaa, template, kubernetes, upstream]
    const cluster = `kubernetes cluster.local {\nmanifests ${directory}\n}`
    const server = await servePlugins(all, `${zones} {\n${directives}\n${cluster}\nwhoami\n}\n`)
    servers.push(server)
    if (zones === '.') await until(() => assert.notEqual(server.table('web.shop.svc.cluster.local. TXT'), 'miss'))
    return server
  }

  const soa = '. 30 IN SOA ns.dns. hostmaster. 1 7200 1800 86400 30'
  const answered: readonly (readonly [question: string, reply: string])[] = [
    ['example.org. AAAA', `NOERROR; ; ${soa}`],
    ['web.shop.svc.cluster.local. AAAA', `NOERROR; ; ${soa}`],
    ['six.shop.svc.cluster.local. AAAA', `NOERROR; ; ${soa}`],
    ['missing.shop.svc.cluster.local. AAAA', `NOERROR; ; ${soa}`],
    ['example.org. A', 'NOERROR; example.org. 60 IN A 192.0.2.1'],
    ['web.shop.svc.cluster.local. A', 'NOERROR; web.shop.svc.cluster.local. 5 IN A 10.96.0.1'],
  ]
  for (const [question, reply] of answered)
    it(`a block with no_aaaa answers ${question} ${reply}`, async () => {
      const server = await serve('no_aaaa')
      assert.equal(await server.chain(question), reply)
    })

  it('no_aaaa asks nothing upstream for AAAA', async () => {
    const server = await serve('no_aaaa')
    asked.length = 0
    await server.chain('example.org. AAAA')
    await server.chain('example.org. A')
    assert.deepEqual(asked, ['example.org. 1'])
  })

  it("the SOA of no_aaaa is the server block's zone's", async () => {
    const server = await serve('no_aaaa', 'example.org')
    assert.match(await server.chain('a.b.example.org. AAAA'), /; example\.org\. 30 IN SOA ns\.dns\.example\.org\. /)
  })

  it('dns64 in front of no_aaaa makes AAAA records out of A records', async () => {
    const server = await serve('no_aaaa\ndns64 {\nallow_ipv4\n}')
    assert.match(await server.chain('example.org. AAAA'), /64:ff9b::c000:201/)
  })

  it('a client that acl blocks gets no answer of no_aaaa', async () => {
    const server = await serve('no_aaaa\nacl {\nblock type AAAA\n}')
    assert.equal(await server.chain('example.org. AAAA'), 'REFUSED')
  })

  /** By question: T from the table, and as the chain has it; - left to the chain. */
  const questions = [
    'web.shop.svc.cluster.local. A',
    'web.shop.svc.cluster.local. AAAA',
    'web.shop.svc.cluster.local. TXT',
    'example.org.shop.svc.cluster.local. A',
    'example.org.shop.svc.cluster.local. AAAA',
    'example.org.svc.cluster.local. A',
    'example.org.cluster.local. A',
    'example.org.cluster.local. HTTPS',
  ]
  const paths: readonly (readonly [directives: string, path: string])[] = [
    ['', 'TTTTTTTT'],
    ['no_aaaa', 'TTTTTTTT'],
    ['template IN AAAA .', 'TTTTTTTT'],
    ['template IN AAAA . {\nmatch ^example\nfallthrough\n}', 'TTTT-TTT'],
    ['template IN HTTPS . {\nexpr do()\n}', 'TTTTTTT-'],
    ['template IN A . {\nexpr do()\n}', '-TT-T--T'],
    ['dns64', 'T-TTTTTT'],
    ['no_aaaa\ntemplate IN HTTPS . {\nexpr do()\n}', 'TTTTTTT-'],
  ]
  for (const [directives, path] of paths)
    it(`a block with '${directives.replaceAll('\n', ' ')}' answers ${path} from the table, each as the chain does`, async () => {
      const server = await serve(directives)
      await until(() => {
        const found = questions.map((question) => (server.table(question) === 'miss' ? '-' : 'T'))
        assert.equal(found.join(''), path)
      })
      for (const question of questions) {
        const fromTable = server.table(question)
        if (fromTable !== 'miss') assert.equal(fromTable, await server.chain(question), question)
      }
    })

  for (const [text, refusal] of [
    ['no_aaaa x', /Corefile:2:9 - Wrong argument count/],
    ['no_aaaa {\n}', /no_aaaa takes no block/],
  ] as const)
    it(`'${text.replaceAll('\n', ' ')}' is refused`, () => assert.throws(() => setUp(noAaaa, text), refusal))
})
