/** Outcomes that depend on who asks are for one client: a cache neither keeps nor shares them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { forClient, type Next, type Query } from '../../../src/plugin/query.ts'
import { cache } from '../../../src/plugins/cache/index.ts'
import { ask, handle, replying, setUp } from '../../support/plugin-harness.ts'
import { www } from './support.ts'

const answer = replying({ answer: [www] })
const question = 'www.example.org. A'

/** How often the next plugin is asked by two clients, one after the other or at once. */
async function asked(next: Next, atOnce: boolean, query: Query = ask(question)): Promise<number> {
  const instance = setUp(cache, 'cache')
  let times = 0
  const counted: Next = (passed) => {
    times++
    return next(passed)
  }
  const first = handle(instance, query, counted)
  if (!atOnce) await first
  await Promise.all([first, handle(instance, { ...query, client: { address: '192.0.2.2', port: 1 } }, counted)])
  return times
}

describe('what a cache must not give to another client', () => {
  for (const atOnce of [false, true]) {
    const when = atOnce ? 'at the same time' : 'afterwards'

    it(`an answer that does not depend on who asks is given to a client who asks ${when}`, async () => {
      assert.equal(await asked(async (query) => answer(query), atOnce), 1)
    })

    it(`an answer that the next plugin made for one client is not given to one who asks ${when}`, async () => {
      assert.equal(await asked(async (query) => forClient(await answer(query)), atOnce), 2)
    })

    it(`a failure that the next plugin made for one client is not given to one who asks ${when}`, async () => {
      const refused = replying({ rcode: 'REFUSED' })
      assert.equal(await asked(async (query) => forClient(await refused(query)), atOnce), 2)
    })

    it(`an answer that a lookup for one client led to is not given to one who asks ${when}`, async () => {
      const query: Query = {
        ...ask(question),
        lookup: async () => forClient(await answer(ask('target.example.org. A'))),
      }
      const following: Next = async (passed) => {
        await passed.lookup('target.example.org.', 1)
        return answer(passed)
      }
      assert.equal(await asked(following, atOnce, query), 2)
    })
  }
})
