/** The example of docs/writing-a-plugin.md, as it stands there. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Plugin } from '../../src/plugin/contract.ts'
import { whoami } from '../../src/plugins/whoami/index.ts'
import { type PluginServer, servePlugins } from '../support/plugin-server.ts'

const root = join(import.meta.dirname, '../..')

describe('the plugin of docs/writing-a-plugin.md', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-example-'))
  let server: PluginServer
  before(async () => {
    const page = readFileSync(join(root, 'docs/writing-a-plugin.md'), 'utf8')
    const [, code] = /```ts\n([\s\S]*?)```/.exec(page)!
    const file = join(folder, 'here.ts')
    writeFileSync(file, code.replaceAll("from '../../", `from '${pathToFileURL(join(root, 'src')).href}/`))
    const { here } = (await import(pathToFileURL(file).href)) as { here: Plugin }
    server = await servePlugins([here, whoami], '. {\nhere 192.0.2.7 www.example.org api.example.org\nwhoami\n}\n')
    await server.settled
  })
  after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  for (const [question, answer] of [
    ['www.example.org. A', 'NOERROR; www.example.org. 60 IN A 192.0.2.7'],
    ['www.example.org. AAAA', 'NOERROR'],
  ])
    it(`the plugin of docs/writing-a-plugin.md answers ${question} in the chain and from the table alike`, async () => {
      assert.deepEqual([await server.chain(question), server.table(question)], [answer, answer])
    })

  it('the plugin of docs/writing-a-plugin.md passes other names on to the next plugin', async () => {
    assert.equal(server.table('other.example.org. A'), 'miss')
    assert.match(await server.chain('other.example.org. A'), /^NOERROR/)
  })
})
