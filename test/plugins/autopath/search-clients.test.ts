/** What clients find with autopath is what they find without it: three kinds of client against any world. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type as dnsType, rcode } from '../../../src/dns/codes.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { replyTo } from '../../../src/dns/reply.ts'
import { provide } from '../../../src/plugin/capability.ts'
import type { Next, Outcome } from '../../../src/plugin/query.ts'
import { fixedLists, searchLists } from '../../../src/plugins/autopath/capability.ts'
import { autopath } from '../../../src/plugins/autopath/index.ts'
import { ask, createPluginHarness, handle, setUp } from '../../support/plugin-harness.ts'

const list = ['shop.svc.cluster.local.', 'svc.cluster.local.', 'cluster.local.', 'corp.example.']

/** What a name has: nothing at all, or for each family an address, none, or no answer. */
type State = 'missing' | { readonly A: Family; readonly AAAA: Family }
type Family = 'address' | 'none' | 'failure'

/** One for each domain of the list, and one for the name as it is. */
type World = readonly State[]

type FamilyName = 'A' | 'AAAA'

const family = fc.constantFrom<Family>('address', 'none', 'none', 'failure')
const world: fc.Arbitrary<World> = fc.array(
  fc.oneof({ weight: 3, arbitrary: fc.constant<State>('missing') }, fc.record({ A: family, AAAA: family })),
  { minLength: list.length + 1, maxLength: list.length + 1 },
)

/** The chain behind autopath: each name has an address of its own, so that one sees whose it is. */
function chainOf(states: World): Next {
  return ({ request, qname, qtype }) => {
    const index = [...list, ''].findIndex((domain) => qname === `www.${domain}`)
    const state = states[index]!
    const code = state === 'missing' ? rcode.NXDOMAIN : rcode.NOERROR
    const which = qtype === dnsType.A ? 'A' : 'AAAA'
    if (state !== 'missing' && state[which] === 'failure')
      return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: '', error: new Error('dead') }
    const address = qtype === dnsType.A ? `A 10.0.0.${index}` : `AAAA fd00::${index}`
    const answer = state !== 'missing' && state[which] === 'address' ? [parseRecord(`${qname} 5 IN ${address}`)] : []
    return { kind: 'reply', plugin: 'test', message: replyTo(request, { rcode: code, answer }) }
  }
}

type Server = (name: string, family: FamilyName) => Promise<Outcome>

const plain =
  (states: World): Server =>
  async (name, which) =>
    chainOf(states)(ask(`${name} ${which}`))

function helped(states: World): Server {
  const search = fixedLists(list)
  const instance = setUp(autopath, 'autopath @other', createPluginHarness(), {
    others: { other: { provides: [provide(searchLists, search)] } },
  })
  return async (name, which) => handle(instance, ask(`${name} ${which}`), chainOf(states))
}

/**
 * glibc's res_search, as getaddrinfo calls it: the questions for a domain go together, the first domain where one of
 * them has any record is it; else NODATA weighs more than a failure, and a failure more than NXDOMAIN.
 */
async function clientSearch(server: Server, families: readonly FamilyName[]): Promise<readonly string[] | string> {
  let sawNodata = false
  let sawFailure = false
  for (const domain of [...list, '']) {
    const outcomes = await Promise.all(families.map((which) => server(`www.${domain}`, which)))
    const answers = outcomes.flatMap((outcome) => (outcome.kind === 'reply' ? outcome.message.answer : []))
    if (answers.length > 0) {
      return answers.filter(({ type }) => type !== dnsType.CNAME).map(({ rdata }) => rdata.join('.'))
    }
    for (const outcome of outcomes) {
      if (outcome.kind !== 'reply') sawFailure = true
      else if (outcome.message.rcode === rcode.NOERROR) sawNodata = true
    }
  }
  return sawNodata ? 'no data' : sawFailure ? 'try again' : 'host not found'
}

describe('clients that search, with autopath and without', () => {
  const clients: readonly (readonly [string, readonly FamilyName[]])[] = [
    ['both families at a time', ['A', 'AAAA']],
    ['IPv4 alone', ['A']],
    ['IPv6 alone', ['AAAA']],
  ]
  for (const [name, families] of clients)
    it(`a client finds with autopath what it finds without, asking for ${name}`, () =>
      fc.assert(
        fc.asyncProperty(world, async (states) => {
          const wanted = await clientSearch(plain(states), families)
          assert.deepEqual(await clientSearch(helped(states), families), wanted)
        }),
        { numRuns: 500 },
      ))

  it('a client with autopath never gets the addresses of two hosts', () =>
    fc.assert(
      fc.asyncProperty(world, async (states) => {
        const server = helped(states)
        const hosts = new Set<string>()
        for (const which of ['A', 'AAAA'] as const) {
          const outcome = await server(`www.${list[0]}`, which)
          if (outcome.kind !== 'reply') continue
          const last = outcome.message.answer.at(-1)
          if (last && last.type !== dnsType.CNAME) hosts.add(last.name)
        }
        assert.ok(hosts.size <= 1, [...hosts].join(' and '))
      }),
      { numRuns: 500 },
    ))
})
