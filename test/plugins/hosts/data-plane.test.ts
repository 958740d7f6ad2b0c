/** Entries of hosts are answered from the table, and there as in the chain. */
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { plugins } from '../../../src/plugins/index.ts'
import { type PluginServer, servePlugins } from '../../support/plugin-server.ts'

describe('hosts beside the answer table', () => {
  const servers: PluginServer[] = []
  after(() => Promise.all(servers.map((server) => server.stop())))

  const entries = `192.0.2.1 db.corp.test web.corp.test
    192.0.2.2 db.corp.test
    2001:db8::1 db.corp.test
    192.0.2.3 *.apps.corp.test
    192.0.2.4 own.apps.corp.test
    192.0.2.9 elsewhere.test`
  const questions = [
    'db.corp.test. A',
    'db.corp.test. AAAA',
    'DB.Corp.test. A',
    'web.corp.test. A',
    'web.corp.test. AAAA',
    'web.corp.test. MX',
    'own.apps.corp.test. A',
    'a.apps.corp.test. A',
    'no.corp.test. A',
    'elsewhere.test. A',
    '1.2.0.192.in-addr.arpa. PTR',
    '1.2.0.192.in-addr.arpa. A',
    '7.2.0.192.in-addr.arpa. PTR',
    '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. PTR',
  ]
  /** By question: T from the table, as in the chain; - left to the chain. */
  const cases: readonly (readonly [zones: string, options: string, paths: string])[] = [
    ['', 'fallthrough', 'TTTTT-T--TT--T'],
    ['', 'ttl 5\nfallthrough', 'TTTTT-T--TT--T'],
    ['', 'no_reverse\nfallthrough', 'TTTTT-T--T----'],
    ['', '', 'TTTTT-T--TT--T'],
    [' corp.test', 'fallthrough', 'TTTTT-T---T--T'],
    [' corp.test', '', 'TTTTT-T---T--T'],
  ]
  for (const [zones, options, paths] of cases)
    it(`hosts${zones} with '${options.replaceAll('\n', ' ')}' answers ${paths} from the table, each as the chain does`, async () => {
      const server = await servePlugins(
        plugins,
        `. {\nhosts /nonexistent${zones} {\n${entries}\n${options}\n}\nwhoami\n}\n`,
      )
      servers.push(server)
      await server.settled
      const found = questions.map((question) => (server.table(question) === 'miss' ? '-' : 'T'))
      assert.equal(found.join(''), paths)
      for (const question of questions) {
        const fromTable = server.table(question)
        if (fromTable !== 'miss') assert.equal(fromTable, await server.chain(question), question)
      }
    })
})
