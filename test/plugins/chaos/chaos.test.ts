/** Queries of class CH about the server. */
import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { describe, it } from 'node:test'
import { recordText } from '../../../src/dns/rdata.ts'
import { chaos } from '../../../src/plugins/chaos/index.ts'
import { ask, failing, handle, messageOf, setUp } from '../../support/plugin-harness.ts'

const question = (name: string, type = 16) => ({ request: { questions: [{ name, type, class: 3 }] } })

async function texts(directive: string, name: string): Promise<readonly string[]> {
  const outcome = await handle(setUp(chaos, directive), ask(`${name} TXT`, question(name)), failing(5))
  return outcome.kind === 'reply' ? messageOf(outcome).answer.map(recordText).sort() : []
}

describe('the plugin chaos', () => {
  const cases: readonly (readonly [directive: string, name: string, expected: readonly string[]])[] = [
    ['chaos my-1 zoe adam', 'version.bind.', ['version.bind. 0 CH TXT "my-1"']],
    ['chaos my-1', 'VERSION.server.', ['VERSION.server. 0 CH TXT "my-1"']],
    ['chaos', 'version.bind.', ['version.bind. 0 CH TXT "slicedns-test"']],
    ['chaos v zoe adam zoe', 'authors.bind.', ['authors.bind. 0 CH TXT "adam"', 'authors.bind. 0 CH TXT "zoe"']],
    ['chaos', 'hostname.bind.', [`hostname.bind. 0 CH TXT "${hostname()}"`]],
    ['chaos', 'id.server.', [`id.server. 0 CH TXT "${hostname()}"`]],
    ['chaos', 'other.bind.', []],
    // The 255th octet is the first of two of a character.
    [`chaos ${'é'.repeat(130)}`, 'version.bind.', [`version.bind. 0 CH TXT "${'\\195\\169'.repeat(127)}"`]],
  ]
  for (const [directive, name, expected] of cases)
    it(`a TXT query for ${name} with '${directive}' gets ${expected.length} records`, async () =>
      assert.deepEqual(await texts(directive, name), expected))

  it('chaos passes queries of class IN on', async () => {
    const outcome = await handle(setUp(chaos, 'chaos'), ask('version.bind. TXT'), failing(5))
    assert.equal(outcome.kind, 'rcode')
  })

  it('chaos refuses a block with options', () =>
    assert.throws(() => setUp(chaos, 'chaos {\nx\n}'), /unknown property 'x' of chaos/))
})
