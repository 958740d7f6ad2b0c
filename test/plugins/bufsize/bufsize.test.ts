import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type } from '../../../src/dns/codes.ts'
import type { Edns } from '../../../src/dns/message.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { dataPlaneEffects } from '../../../src/plugin/capabilities/data-plane-effects.ts'
import { capabilityOf } from '../../../src/plugin/capability.ts'
import type { Query } from '../../../src/plugin/query.ts'
import { bufsize } from '../../../src/plugins/bufsize/index.ts'
import { view } from '../../../src/plugins/view/index.ts'
import { whoami } from '../../../src/plugins/whoami/index.ts'
import { createDispatcherHarness } from '../../server/dispatcher-harness.ts'
import { ask, handle, replying, setUp } from '../../support/plugin-harness.ts'

describe('bufsize', () => {
  const cases: readonly (readonly [string, number | undefined, number | undefined])[] = [
    ['bufsize', 4_096, 1_232],
    ['bufsize 512', 1_232, 512],
    ['bufsize 1400', 1_232, 1_232],
    ['bufsize 512\nbufsize 4096', 4_096, 512],
    ['bufsize', undefined, undefined],
  ]
  for (const [text, offered, passedOn] of cases)
    it(`bufsize passes on ${passedOn ?? 'no EDNS'} of ${offered ?? 'none'} with '${text.replace('\n', ' | ')}'`, () => {
      let seen: Query | undefined
      handle(setUp(bufsize, text), ask('a. A', offered ? { edns: { payloadSize: offered } } : {}), (query) => {
        seen = query
        return replying()(query)
      })
      assert.equal(seen?.request.edns?.payloadSize, passedOn)
    })

  it('bufsize holds for answers from the table, too', () => {
    assert.deepEqual(capabilityOf(setUp(bufsize, 'bufsize 700'), dataPlaneEffects), { maxPayload: 700 })
  })

  it('bufsize holds where its block takes the query, and not where a view does', async () => {
    const corefile = `.:53 {
      view texts {
        expr type() == 'TXT'
      }
      whoami
    }
    .:53 {
      bufsize 600
      whoami
    }`
    const { answer } = await createDispatcherHarness([bufsize, view, whoami], corefile)
    const sizeFor = async (recordType: number) => {
      const request = { ...queryMessage('a.example.', recordType, true), edns: ednsOf(4_096) }
      const octets = await answer({
        request: encodeMessage(request, { limit: 512 }),
        transport: 'udp',
        client: { address: '192.0.2.1', port: 4000 },
        local: { address: '192.0.2.53', port: 53 },
        listener: { scheme: 'dns', address: '', port: 53, space: 0, shards: 1 },
        receivedAt: 0,
      })
      return octets && parseMessage(octets).edns?.payloadSize
    }
    assert.deepEqual([await sizeFor(type.TXT), await sizeFor(type.A)], [4_096, 600])
  })
})

const ednsOf = (payloadSize: number): Edns => ({
  version: 0,
  payloadSize,
  dnssecOk: false,
  extendedRcode: 0,
  options: [],
})
