/** What `slicedns explain` asks leaves no trace among the queries of clients. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { plugins } from '../../src/plugins/index.ts'
import { servePlugins } from '../support/plugin-server.ts'
import { freePort } from '../support/ports.ts'

describe('a question of slicedns explain', () => {
  const traced = `
    log
    errors
    acl {
      allow
    }
    cache 30`
  const cases: readonly (readonly [what: string, answering: string, path?: 'relay'])[] = [
    ['a name that whoami answers', 'whoami'],
    ['a name that a template answers', 'template IN A {\nexpr true\nanswer "{{ .Name }} 60 IN A 192.0.2.1"\n}'],
    ['a name that no plugin answers', 'erratic {\ndrop 0\n}'],
    ['a name whose upstream is gone', 'forward . 127.0.0.1:9 {\nmax_fails 0\n}', 'relay'],
  ]
  for (const [what, answering, wanted = 'chain'] of cases)
    it(`${what} is explained, and neither logged nor counted nor cached`, async (t) => {
      const metricsPort = await freePort()
      const corefile = `. {\n${traced}\nprometheus 127.0.0.1:${metricsPort}\n${answering}\n}\n`
      const server = await servePlugins(plugins, corefile)
      t.after(() => server.stop())
      const counted = async (): Promise<string[]> => {
        const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
        return text.split('\n').filter((line) => line.startsWith('coredns_'))
      }
      const before = await counted()
      const { path } = await server.explained('www.example.org. A')
      await server.explained('www.example.org. A')
      assert.equal(path, wanted)
      assert.deepEqual(await counted(), before)
      assert.deepEqual(
        server.lines.filter((line) => line.includes('example.org')),
        [],
      )
      assert.equal(server.table('www.example.org. A'), 'miss')
    })
})
