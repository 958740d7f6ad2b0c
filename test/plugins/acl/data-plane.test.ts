/** Clients that no policy refuses are answered from the table, all others by acl. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { plugins } from '../../../src/plugins/index.ts'
import { type PluginServer, servePlugins } from '../../support/plugin-server.ts'

const entries = 'hosts /nonexistent a.test {\n192.0.2.1 a.test b.a.test c.a.test\n2001:db8::1 a.test\nttl 60\n}'

describe('acl beside the answer table', () => {
  const servers: PluginServer[] = []
  after(() => Promise.all(servers.map((server) => server.stop())))

  async function serve(directives: string, more = ''): Promise<PluginServer> {
    const server = await servePlugins(plugins, `. {\n${directives}\n${entries}\n}\n${more}`)
    servers.push(server)
    await server.settled
    return server
  }

  /** Of a directive: questions with a client, and whether the table answers. */
  const cases: readonly (readonly [directives: string, question: string, client: string, path: string])[] = [
    ['acl {\nallow net 10.0.0.0/8\nblock\n}', 'a.test. A', '10.1.2.3', 'table'],
    ['acl {\nallow net 10.0.0.0/8\nblock\n}', 'a.test. A', '192.0.2.9', 'REFUSED'],
    ['acl {\nallow net 10.0.0.0/8\nblock\n}', 'a.test. A', 'fd00::1', 'REFUSED'],
    ['acl {\nblock net 192.0.2.0/24\n}', 'a.test. A', '192.0.2.9', 'REFUSED'],
    ['acl {\nblock net 192.0.2.0/24\n}', 'a.test. A', '192.0.3.9', 'table'],
    ['acl {\nfilter type AAAA\n}', 'a.test. AAAA', '10.1.2.3', 'NOERROR'],
    ['acl {\nfilter type AAAA\n}', 'a.test. A', '10.1.2.3', 'table'],
    ['acl b.a.test {\ndrop\n}', 'b.a.test. A', '10.1.2.3', 'drop'],
    ['acl b.a.test {\ndrop\n}', 'c.a.test. A', '10.1.2.3', 'table'],
    [
      'acl {\nallow net 10.1.0.0/16\nblock net 10.0.0.0/8\n}\nacl a.test {\nblock net 10.1.0.0/16\n}',
      'a.test. A',
      '10.1.2.3',
      'table',
    ],
    ['acl a.test {\nallow net 10.2.0.0/16\n}\nacl {\nblock net 10.1.0.0/16\n}', 'a.test. A', '10.1.2.3', 'REFUSED'],
    ['acl {\nallow net 10.0.0.0/8\nblock\n}\nno_aaaa', 'x.test. AAAA', '10.1.2.3', 'table'],
    ['acl {\nallow net 10.0.0.0/8\nblock\n}\nno_aaaa', 'x.test. AAAA', '192.0.2.1', 'REFUSED'],
    [
      'acl {\nblock net 192.0.2.0/24\n}\ntemplate ANY ANY x.test {\nrcode NXDOMAIN\n}',
      'x.test. A',
      '192.0.2.1',
      'REFUSED',
    ],
    [
      'acl {\nblock net 192.0.2.0/24\n}\ntemplate ANY ANY x.test {\nrcode NXDOMAIN\n}',
      'x.test. A',
      '10.1.2.3',
      'table',
    ],
  ]
  for (const [directives, question, client, path] of cases)
    it(`a block with '${directives.replaceAll('\n', ' ')}' answers ${client} for ${question} by ${path}`, async () => {
      const server = await serve(directives)
      const fromTable = server.table(question, client)
      const fromChain = await server.chain(question, client)
      if (path === 'table') assert.equal(fromTable, fromChain)
      else assert.deepEqual([fromTable, fromChain], ['miss', path])
    })

  it('no reply of the table is another one than that of acl, whatever the policies are', async () => {
    const policy = fc
      .record({
        action: fc.constantFrom('allow', 'block', 'filter', 'drop'),
        types: fc.constantFrom('', ' type A', ' type AAAA A'),
        nets: fc.constantFrom('', ' net 10.0.0.0/8', ' net 10.1.0.0/16 fd00::/8', ' net 192.0.2.7', ' net *'),
      })
      .map(({ action, types, nets }) => `${action}${types}${nets}`)
    const directive = fc
      .tuple(fc.constantFrom('', ' a.test', ' b.a.test other.test'), fc.array(policy, { minLength: 1, maxLength: 3 }))
      .map(([zones, policies]) => `acl${zones} {\n${policies.join('\n')}\n}`)
    await fc.assert(
      fc.asyncProperty(fc.array(directive, { minLength: 1, maxLength: 3 }), async (directives) => {
        const server = await servePlugins(plugins, `. {\n${directives.join('\n')}\n${entries}\n}\n`)
        try {
          await server.settled
          for (const question of ['a.test. A', 'a.test. AAAA', 'b.a.test. A', 'c.a.test. TXT'])
            for (const client of ['10.1.2.3', '10.2.0.1', '192.0.2.7', 'fd00::1', '2001:db8::1']) {
              const fromTable = server.table(question, client)
              if (fromTable !== 'miss')
                assert.equal(fromTable, await server.chain(question, client), `${question} ${client}`)
            }
        } finally {
          await server.stop()
        }
      }),
      { numRuns: 40 },
    )
  })

  it('more policies than the data plane asks leave every query to acl', async () => {
    const nets = Array.from({ length: 300 }, (_, i) => `10.0.${i % 256}.${i >> 8}`)
    const server = await serve(`acl {\nblock net ${nets.join(' ')}\n}`)
    assert.equal(server.table('a.test. A', '192.0.2.1'), 'miss')
    assert.match(server.lines.join('\n'), /has 301 rules by name; with more than 256 the plugins are asked each time/)
  })

  it('explain names the policy that keeps a client from the table', async () => {
    const server = await serve('acl a.test {\nblock net 127.0.0.0/8\n}')
    const { path, reason } = await server.explained('a.test. A')
    assert.equal(path, 'chain')
    assert.match(reason, /acl: acl a\.test\. \{ block net 127\.0\.0\.0\/8 \} \(Corefile:3\)$/)
  })
})
