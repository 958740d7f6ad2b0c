/** RFC 5001: the name of the server for those who ask. */
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { nsid } from '../../../src/plugins/nsid/index.ts'
import { ask, failing, handle, messageOf, replying, setUp } from '../../support/plugin-harness.ts'

const asking = { edns: { options: [{ code: 3, data: new Uint8Array(0) }] } }

async function identity(directive: string): Promise<string | undefined> {
  const { edns } = messageOf(await handle(setUp(nsid, directive), ask('a.example. A', asking), replying()))
  const option = edns?.options.find(({ code }) => code === 3)
  return option && Buffer.from(option.data).toString()
}

describe('the plugin nsid', () => {
  it('nsid answers the option with its words', async () =>
    assert.equal(await identity('nsid replica one'), 'replica one'))
  it('nsid answers the option with the name of the host by default', async () =>
    assert.equal(await identity('nsid'), hostname()))

  it('nsid leaves replies to those alone who do not ask', async () => {
    const { edns } = messageOf(await handle(setUp(nsid, 'nsid x'), ask('a.example. A', { edns: {} }), replying()))
    assert.equal(edns, undefined)
  })

  it('nsid leaves failures alone that no plugin wrote', async () => {
    const outcome = await handle(setUp(nsid, 'nsid x'), ask('a.example. A', asking), failing(2))
    assert.equal(outcome.kind, 'rcode')
  })
})
