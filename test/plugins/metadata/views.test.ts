/** Metadata where several server blocks serve one zone. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type } from '../../../src/dns/codes.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { encodeMessage } from '../../../src/dns/wire.ts'
import { plugins } from '../../../src/plugins/index.ts'
import { createDispatcherHarness } from '../../server/dispatcher-harness.ts'

describe('the metadata of a view that leaves a query', () => {
  async function logged(...directives: readonly string[]): Promise<string | undefined> {
    const texts = "metadata\nview texts {\nexpr type() == 'TXT'\n}\nwhoami"
    const other = [...directives, 'log . "{/view/name}"', 'whoami'].join('\n')
    const { answer, lines } = await createDispatcherHarness(plugins, `.:53 {\n${texts}\n}\n.:53 {\n${other}\n}\n`)
    await answer({
      request: encodeMessage(queryMessage('a.example.', type.A, true), { limit: 512 }),
      transport: 'udp',
      client: { address: '192.0.2.1', port: 4000 },
      local: { address: '192.0.2.53', port: 53 },
      listener: { scheme: 'dns', address: '', port: 53, space: 0, shards: 1 },
      receivedAt: 0,
    })
    return lines.at(-1)
  }

  const view = "view addresses {\nexpr metadata('view/name') == 'texts'\n}"
  const cases: readonly (readonly [string, readonly string[], string])[] = [
    ['is that of the next block', [], 'texts'],
    ['is that of the next view', [view], 'texts'],
    ['is not that of a block with `metadata`', ['metadata'], '-'],
  ]
  for (const [what, directives, value] of cases)
    it(`the metadata of a view that leaves a query ${what}`, async () =>
      assert.equal(await logged(...directives), `[INFO] ${value}`))
})
