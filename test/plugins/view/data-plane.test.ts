/** A view that chooses by client leaves the other clients of the listener in the table. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { formatAddress } from '../../../src/dns/address.ts'
import { clientsOf } from '../../../src/plugin/expression-clients.ts'
import { plugins } from '../../../src/plugins/index.ts'
import { type PluginServer, servePlugins } from '../../support/plugin-server.ts'

describe('the clients of an expression', () => {
  const cases: readonly (readonly [expression: string, clients: string])[] = [
    ["incidr(client_ip(), '10.1.2.3/8')", '10.0.0.0/8'],
    ["incidr(client_ip(), 'fd00::/8')", 'fd00::/8'],
    ["incidr(client_ip(), '10.0.0.0/8') || incidr(client_ip(), '192.0.2.0/24')", '10.0.0.0/8 192.0.2.0/24'],
    ["client_ip() == '192.0.2.1'", '192.0.2.1/32'],
    ["'192.0.2.1' == client_ip()", '192.0.2.1/32'],
    ["client_ip() in ['192.0.2.1', '192.0.2.2']", '192.0.2.1/32 192.0.2.2/32'],
    ["incidr(client_ip(), '10.0.0.0/8') && type() == 'A'", '10.0.0.0/8'],
    ["proto() == 'tcp' and client_ip() == '192.0.2.1'", '192.0.2.1/32'],
    ["incidr(client_ip(), '10.0.0.0/8') or type() == 'A'", 'any'],
    ["incidr(client_ip(), 'nonsense')", ''],
    ["not incidr(client_ip(), '10.0.0.0/8')", 'any'],
    ["client_ip() != '192.0.2.1'", 'any'],
    ["client_ip() == 'fe80::1%eth0'", 'any'],
    ["incidr(server_ip(), '10.0.0.0/8')", 'any'],
    ['client_ip() == name()', 'any'],
    ['false', ''],
    ['true', 'any'],
  ]
  for (const [expression, clients] of cases)
    it(`the expression ${expression} can be true for ${clients || 'nobody'}`, () => {
      const found = clientsOf(expression)
      const shown = found?.map(({ address, bits }) => `${formatAddress(address)}/${bits}`)
      assert.equal(shown?.join(' ') ?? 'any', clients)
    })
})

describe('view beside the answer table', () => {
  const servers: PluginServer[] = []
  after(() => Promise.all(servers.map((server) => server.stop())))

  const block = (address: string, view = ''): string =>
    `a.test {\n${view}hosts /nonexistent a.test {\n${address} a.test x.a.test\n}\n}\n`
  const expr = (expression: string): string => `view v {\nexpr "${expression}"\n}\n`

  async function serve(corefile: string): Promise<PluginServer> {
    const server = await servePlugins(plugins, corefile)
    servers.push(server)
    await server.settled
    return server
  }

  const inside = expr("incidr(client_ip(), '10.0.0.0/8')")
  const cases: readonly (readonly [
    what: string,
    corefile: string,
    paths: readonly [inside: string, outside: string],
  ])[] = [
    ['a view by client', block('192.0.2.1', inside) + block('192.0.2.2'), ['chain', 'table']],
    [
      'a view by client and type',
      block('192.0.2.1', expr("client_ip() == '10.1.2.3' && type() == 'A'")) + block('192.0.2.2'),
      ['chain', 'table'],
    ],
    [
      'two views by client',
      block('192.0.2.1', inside) + block('192.0.2.3', expr("client_ip() == '198.51.100.1'")) + block('192.0.2.2'),
      ['chain', 'chain'],
    ],
    ['a view behind the block for all', block('192.0.2.2') + block('192.0.2.1', inside), ['chain', 'table']],
    ['a view by type', block('192.0.2.1', expr("type() == 'A'")) + block('192.0.2.2'), ['chain', 'chain']],
    [
      'a view by client behind one by type',
      block('192.0.2.3', expr("type() == 'MX'")) + block('192.0.2.1', inside) + block('192.0.2.2'),
      ['chain', 'chain'],
    ],
    ['a view alone', block('192.0.2.1', inside), ['chain', 'chain']],
  ]
  for (const [what, corefile, paths] of cases)
    it(`${what} sends its clients to the chain, and keeps no client from their own answer`, async () => {
      const server = await serve(corefile)
      for (const [i, client] of ['10.1.2.3', '198.51.100.1'].entries())
        for (const question of ['a.test. A', 'x.a.test. A', 'a.test. AAAA']) {
          const fromTable = server.table(question, client)
          assert.equal(fromTable === 'miss' ? 'chain' : 'table', paths[i], `${question} ${client}`)
          if (fromTable !== 'miss') assert.equal(fromTable, await server.chain(question, client))
        }
    })
})
