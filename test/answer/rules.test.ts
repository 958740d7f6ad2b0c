/** Rules of a space: the first that fits decides, before any name is looked up, and those for missing names before a denial. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { inPrefix, parseAddress } from '../../src/dns/address.ts'
import { isSubdomain, lowerName, parseName } from '../../src/dns/name.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import type { NameText, QuestionsSpec, RuleSpec } from '../../src/table/spec.ts'
import { zoneName } from '../table/arbitraries.ts'
import { createResponderHarness, ednsOf, questionMessage } from './harness.ts'

interface Question {
  readonly name: string
  readonly type: number
  readonly client: string
  readonly dnssecOk: boolean
}

const label = fc.constantFrom('a', 'b', 'api-1', 'web', 'x\\.y', 'A')
const name = fc.array(label, { maxLength: 3 }).map((labels) => parseName(`${labels.join('.')}.`))
const text: fc.Arbitrary<NameText> = fc.record({
  at: fc.constantFrom('start', 'end', 'anywhere'),
  text: fc.constantFrom('a', 'api-', 'b.', '.a.', '1', 'a.b', 'y.', '46', '.', 'b.a', '-', 'web.'),
})
const questions: fc.Arbitrary<QuestionsSpec> = fc.record({
  zone: name.map(lowerName),
  names: fc.constantFrom('zone', 'zone', 'apex', 'below'),
  texts: fc.array(text, { maxLength: 2 }),
  types: fc.uniqueArray(fc.constantFrom(1, 28, 16), { maxLength: 2 }),
})
const network = fc.constantFrom(
  '10.0.0.0/8',
  '10.1.2.3/32',
  '0.0.0.0/0',
  '10.1.2.128/25',
  'fc00::/7',
  '::/0',
  'fd00::8/125',
)
const clients = fc.array(network, { minLength: 1, maxLength: 3 }).map((all) =>
  all.map((each) => {
    const [address, bits] = each.split('/')
    return { address: parseAddress(address)!, bits: Number(bits) }
  }),
)
const rule = (profileId: number): fc.Arbitrary<RuleSpec> => {
  const reply = fc.tuple(fc.constantFrom(3, 5), fc.array(questions, { maxLength: 2 })).map(([rcode, unless]) => ({
    kind: 'reply' as const,
    profileId,
    rcode,
    records: { kind: 'records' as const, answer: [], additional: [] },
    unless,
  }))
  const skip = fc.nat(3).map((rules) => ({ kind: 'skip' as const, rules }))
  return fc.record(
    { questions, clients, action: fc.oneof(fc.constantFrom('chain' as const, 'signed' as const), reply, skip) },
    { requiredKeys: ['questions', 'action'] },
  )
}
const question: fc.Arbitrary<Question> = fc.record({
  name,
  type: fc.constantFrom(1, 28, 16, 33),
  client: fc.constantFrom('10.1.2.3', '10.1.2.130', '192.0.2.1', 'fd00::9', 'fd00::1', '2001:db8::1'),
  dnssecOk: fc.boolean(),
})

function isAbout({ zone, names, texts, types }: QuestionsSpec, { name: asked, type }: Question): boolean {
  const found = lowerName(asked)
  if (!isSubdomain(zone, found) || (names === 'apex' && found !== zone) || (names === 'below' && found === zone))
    return false
  if (types.length > 0 && !types.includes(type)) return false
  if (found.includes('\\')) return true
  return texts.every(({ at, text }) => {
    if (at === 'anywhere') return found.includes(text)
    return at === 'start' ? found.startsWith(text) : found.endsWith(text)
  })
}

/** What the rules say of a question, in the words of the responder's outcome. */
function decided(rules: readonly RuleSpec[], asked: Question): string {
  const client = parseAddress(asked.client)!
  for (let at = 0; at < rules.length; at++) {
    const { questions, clients, action } = rules[at]
    if (!isAbout(questions, asked)) continue
    if (clients && !clients.some((prefix) => prefix.address.length === client.length && inPrefix(prefix, client)))
      continue
    if (action === 'signed' && !asked.dnssecOk) continue
    if (typeof action === 'string') return 'miss: a rule leaves this name, type or client to the plugins'
    if (action.kind === 'reply')
      return action.unless.some((each) => isAbout(each, asked)) ? 'undecided' : `rcode ${action.rcode}`
    at += action.rules
  }
  return 'undecided'
}

describe('the rules of a space', () => {
  function harness() {
    const made = createResponderHarness()
    return {
      ...made,
      said({ name, type, client, dnssecOk }: Question): string {
        const octets = parseAddress(client)!
        made.responder.from(octets, 0, octets.length === 4 ? 4 : 6)
        const outcome = made.ask(name, type, { edns: ednsOf({ dnssecOk }) })
        if (typeof outcome !== 'string') return `rcode ${outcome.rcode}`
        return outcome === 'miss: the table has neither the name nor a name above it' ? 'undecided' : outcome
      },
    }
  }

  it('the first rule that fits name, type and client decides', () => {
    const { table, space, profileId, said } = harness()
    fc.assert(
      fc.property(
        fc.array(rule(profileId), { maxLength: 6 }),
        fc.array(question, { minLength: 20 }),
        (first, asked) => {
          table.rules(space, { first, missing: [] })
          for (const each of asked) assert.equal(said(each), decided(first, each), JSON.stringify(each))
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('a name that is not there is denied unless a rule for missing names fits', () => {
    const { table, space, profileId, said } = harness()
    table.zone(space, {
      zone: '.',
      soa: { mname: '.', rname: '.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 1, ttl: 1 },
      open: false,
    })
    table.put(space, profileId, '.', { zone: '.', below: 'closed', otherTypes: 'nodata', answers: new Map() })
    fc.assert(
      fc.property(fc.array(questions, { maxLength: 4 }), fc.array(question, { minLength: 20 }), (missing, asked) => {
        table.rules(space, { first: [], missing })
        for (const each of asked.filter(({ name }) => name !== '.')) {
          const isClaimed = missing.some((rule) => isAbout(rule, each))
          const expected = isClaimed ? 'miss: the plugins answer names below the closest name in the table' : 'rcode 3'
          assert.equal(said(each), expected, JSON.stringify(each))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('a rule by client sends a client whose address is not known to the chain', () => {
    const { table, space, profileId, ask } = harness()
    table.put(space, profileId, zoneName, { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() })
    const every = { zone: '.', names: 'zone', texts: [], types: [] } as const
    table.rules(space, { first: [{ questions: every, clients: [], action: 'chain' }], missing: [] })
    assert.match(String(ask(zoneName, 1)), /^miss: a rule/)
  })

  it('the address of one client does not last until the next message', () => {
    const { table, space, profileId, said, ask } = harness()
    table.put(space, profileId, zoneName, { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() })
    const every = { zone: '.', names: 'zone', texts: [], types: [] } as const
    const inside = [{ address: parseAddress('10.0.0.0')!, bits: 8 }]
    const first: readonly RuleSpec[] = [
      { questions: every, clients: inside, action: { kind: 'skip', rules: 1 } },
      { questions: every, action: 'chain' },
    ]
    table.rules(space, { first, missing: [] })
    assert.equal(said({ name: zoneName, type: 1, client: '10.1.2.3', dnssecOk: false }), 'rcode 0')
    assert.match(String(ask(zoneName, 1)), /^miss: a rule/)
  })

  it('a query with DO gets nothing compiled where signatures are made, but a cached reply', () => {
    const { table, space, profileId, ask } = harness()
    table.put(space, profileId, zoneName, { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() })
    const every = { zone: zoneName, names: 'zone', texts: [], types: [] } as const
    table.rules(space, { first: [{ questions: every, action: 'signed' }], missing: [] })
    const rcodes = (name: string) =>
      [false, true].map((dnssecOk) => {
        const outcome = ask(name, 1, { edns: ednsOf({ dnssecOk }) })
        return typeof outcome === 'string' ? outcome.slice(0, 'miss: a rule'.length) : outcome.rcode
      })
    assert.deepEqual(
      [rcodes(zoneName), rcodes(`x.${zoneName}`)],
      [
        [0, 'miss: a rule'],
        [3, 'miss: a rule'],
      ],
    )
    const cached = { name: zoneName, type: 1, dnssecOk: true, checkingDisabled: false, keepTtl: false }
    const reply = encodeMessage({ ...questionMessage(zoneName, 1), response: true, rcode: 5 }, { limit: 512 })
    const times = { storedAt: 0, expiresAt: 10_000, authenticData: false, octets: reply.length }
    table.putCached(space, profileId, { ...cached, ...times, reply })
    assert.deepEqual(rcodes(zoneName), [0, 5])
  })
})
