/** Metadata that plugins learn on a query's way through the chain, as a line of the query log has it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type } from '../../../src/dns/codes.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { encodeMessage } from '../../../src/dns/wire.ts'
import { plugins } from '../../../src/plugins/index.ts'
import { createDispatcherHarness } from '../../server/dispatcher-harness.ts'

const zone = `$ORIGIN a.test.
@ 60 IN SOA ns host 1 2 3 4 5
@ 60 IN NS ns
www 60 IN A 192.0.2.1
*.wild 60 IN A 192.0.2.2
*.alias 60 IN CNAME x.other.wild
`

describe('the metadata zone/wildcard', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'slicedns-noted-'))
    writeFileSync(join(folder, 'zone'), zone)
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  const cases: readonly (readonly [string, string, number, string])[] = [
    ['the wildcard that an answer is made of', 'x.wild.a.test.', type.A, '*.wild.a.test.'],
    ['the wildcard that has no record of the type', 'x.wild.a.test.', type.TXT, '*.wild.a.test.'],
    [
      'the wildcard of the name that was asked for, and not of its target',
      'x.alias.a.test.',
      type.A,
      '*.alias.a.test.',
    ],
    ['no value for a name that is there', 'www.a.test.', type.A, '-'],
    ['no value for a name that is not there', 'nosuch.a.test.', type.A, '-'],
  ]
  for (const [what, name, recordType, value] of cases)
    it(`a line of the query log has ${what}`, async () => {
      const corefile = `. {
        metadata
        log . "{name} {/zone/wildcard}"
        file ${join(folder, 'zone')} a.test
      }`
      assert.deepEqual(await lastLines(corefile, [[name, recordType]]), [`[INFO] ${name} ${value}`])
    })

  it('a line of the query log has the wildcard of an answer from the cache', async () => {
    const corefile = `. {
      metadata
      log . "{/zone/wildcard}"
      cache
      file ${join(folder, 'zone')} a.test
    }`
    const question = ['x.wild.a.test.', type.A] as const
    const other = ['www.a.test.', type.A] as const
    const lines = await lastLines(corefile, [question, question, other, other])
    assert.deepEqual(lines, ['[INFO] *.wild.a.test.', '[INFO] *.wild.a.test.', '[INFO] -', '[INFO] -'])
  })

  /** The line of each question. */
  async function lastLines(corefile: string, questions: readonly (readonly [string, number])[]): Promise<string[]> {
    const { answer, lines } = await createDispatcherHarness(plugins, corefile)
    const found: string[] = []
    for (const [name, recordType] of questions) {
      await answer({
        request: encodeMessage(queryMessage(name, recordType, true), { limit: 512 }),
        transport: 'udp',
        client: { address: '192.0.2.1', port: 4000 },
        local: { address: '192.0.2.53', port: 53 },
        listener: { scheme: 'dns', address: '', port: 53, space: 0, shards: 1 },
        receivedAt: 0,
      })
      found.push(lines.at(-1)!)
    }
    return found
  }
})
