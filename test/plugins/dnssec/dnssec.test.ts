/** What is signed of a reply, by which key, and what is kept of it. `delv` and unbound validate in test/e2e. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { rcodeName, type } from '../../../src/dns/codes.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { Next, Outcome } from '../../../src/plugin/query.ts'
import { dnssec } from '../../../src/plugins/dnssec/index.ts'
import { writeKeyFiles } from '../../support/dnssec-keys.ts'
import {
  ask,
  createPluginHarness,
  failing,
  handle,
  messageOf,
  type Reply,
  replying,
  setUp,
} from '../../support/plugin-harness.ts'

const folder = mkdtempSync(join(tmpdir(), 'dnssec-'))
after(() => rmSync(folder, { recursive: true }))

const zone = 'example.org.'
const ksk = writeKeyFiles(folder, 'ksk', { zone })
const zsk = writeKeyFiles(folder, 'zsk', { zone, role: 'zsk', algorithm: 'ECDSAP256SHA256' })

const soa = 'example.org. 30 IN SOA ns.example.org. h.example.org. 1 2 3 4 30'
const types = 'TXT AAAA LOC SRV CERT SSHFP RRSIG NSEC TLSA HIP OPENPGPKEY SPF'

function signer(keys: readonly string[] = [ksk.base], more = '', process = createPluginHarness()): Instance {
  const lines = keys.map((base) => `key file ${base}\n`).join('')
  return setUp(dnssec, `dnssec example.org sub.example.org {\n${lines}${more}\n}`, process)
}

const dnssecOk = { edns: { dnssecOk: true } }

async function outcomeOf(instance: Instance, question: string, next: Next, asked = dnssecOk): Promise<Outcome> {
  return handle(instance, ask(question, asked), next)
}

/** Records by section, signatures as what they cover, their algorithm, labels, TTLs and signer. */
async function shown(instance: Instance, question: string, reply: Reply): Promise<string[]> {
  const { rcode, answer, authority, additional } = messageOf(await outcomeOf(instance, question, replying(reply)))
  const lines = Object.entries({ answer, authority, additional }).flatMap(([section, records]) =>
    records.map((record) => `${section}: ${recordText(record)}`),
  )
  return [
    rcodeName(rcode),
    ...lines.map((line) => line.replace(/(RRSIG \S+ \d+ \d+ \d+) \d+ \d+ \d+ (\S+) \S+$/, '$1 $2')),
  ]
}

describe('a reply that is signed', () => {
  const cases: readonly (readonly [string, string, Reply, readonly string[]])[] = [
    [
      'has a signature of each set, behind the records of its section',
      'www.example.org. A',
      {
        answer: ['www.example.org. 5 IN A 192.0.2.1', 'www.example.org. 5 IN A 192.0.2.2'],
        authority: ['example.org. 9 IN NS ns.example.org.'],
        additional: ['ns.example.org. 7 IN A 192.0.2.3', 'ns.example.org. 7 IN AAAA 2001:db8::1'],
      },
      [
        'NOERROR',
        'answer: www.example.org. 5 IN A 192.0.2.1',
        'answer: www.example.org. 5 IN A 192.0.2.2',
        'answer: www.example.org. 5 IN RRSIG A 15 3 3600 example.org.',
        'authority: example.org. 9 IN NS ns.example.org.',
        'authority: example.org. 9 IN RRSIG NS 15 2 3600 example.org.',
        'additional: ns.example.org. 7 IN A 192.0.2.3',
        'additional: ns.example.org. 7 IN AAAA 2001:db8::1',
        'additional: ns.example.org. 7 IN RRSIG A 15 3 3600 example.org.',
        'additional: ns.example.org. 7 IN RRSIG AAAA 15 3 3600 example.org.',
      ],
    ],
    [
      'has none for names of other zones',
      'www.example.org. A',
      { answer: ['www.example.org. 5 IN CNAME www.example.net.', 'www.example.net. 5 IN A 192.0.2.1'] },
      [
        'NOERROR',
        'answer: www.example.org. 5 IN CNAME www.example.net.',
        'answer: www.example.net. 5 IN A 192.0.2.1',
        'answer: www.example.org. 5 IN RRSIG CNAME 15 3 3600 example.org.',
      ],
    ],
    [
      'is signed by the innermost zone',
      'www.sub.example.org. A',
      { answer: ['www.sub.example.org. 5 IN A 192.0.2.1'] },
      [
        'NOERROR',
        'answer: www.sub.example.org. 5 IN A 192.0.2.1',
        'answer: www.sub.example.org. 5 IN RRSIG A 15 4 3600 sub.example.org.',
      ],
    ],
    [
      'denies a name by saying that it has other types',
      'Nope.example.org. A',
      { rcode: 'NXDOMAIN', authority: [soa] },
      [
        'NOERROR',
        `authority: ${soa}`,
        'authority: example.org. 30 IN RRSIG SOA 15 2 3600 example.org.',
        'authority: Nope.example.org. 30 IN RRSIG NSEC 15 3 3600 example.org.',
        `authority: Nope.example.org. 30 IN NSEC \\000.Nope.example.org. HINFO ${types}`,
      ],
    ],
    [
      'denies types of the apex',
      'example.org. MX',
      { authority: [soa] },
      [
        'NOERROR',
        `authority: ${soa}`,
        'authority: example.org. 30 IN RRSIG SOA 15 2 3600 example.org.',
        'authority: example.org. 30 IN RRSIG NSEC 15 2 3600 example.org.',
        'authority: example.org. 30 IN NSEC \\000.example.org. A NS SOA HINFO TXT AAAA LOC SRV CERT SSHFP RRSIG NSEC DNSKEY TLSA HIP OPENPGPKEY SPF',
      ],
    ],
    [
      'denies DS as a delegation that is not signed',
      'child.example.org. DS',
      { authority: [soa] },
      [
        'NOERROR',
        `authority: ${soa}`,
        'authority: example.org. 30 IN RRSIG SOA 15 2 3600 example.org.',
        'authority: child.example.org. 30 IN RRSIG NSEC 15 3 3600 example.org.',
        `authority: child.example.org. 30 IN NSEC \\000.child.example.org. A NS HINFO ${types}`,
      ],
    ],
    [
      'has the NSEC record as its answer where that is asked for',
      'nope.example.org. NSEC',
      { rcode: 'NXDOMAIN', authority: [soa] },
      [
        'NOERROR',
        'answer: nope.example.org. 30 IN RRSIG NSEC 15 3 3600 example.org.',
        `answer: nope.example.org. 30 IN NSEC \\000.nope.example.org. A HINFO ${types}`,
      ],
    ],
    [
      'says of a delegation that it has no DS, at the cut',
      'www.child.example.org. A',
      { authority: ['child.example.org. 60 IN NS ns.child.example.org.'] },
      [
        'NOERROR',
        'authority: child.example.org. 60 IN NS ns.child.example.org.',
        'authority: child.example.org. 60 IN RRSIG NSEC 15 3 3600 example.org.',
        `authority: child.example.org. 60 IN NSEC child\\000.example.org. A NS HINFO ${types}`,
      ],
    ],
    [
      'has signed DS records of a delegation, and NS records that are not signed',
      'www.child.example.org. A',
      { authority: ['child.example.org. 60 IN NS ns.child.example.org.', 'child.example.org. 60 IN DS 1 13 2 AA'] },
      [
        'NOERROR',
        'authority: child.example.org. 60 IN NS ns.child.example.org.',
        'authority: child.example.org. 60 IN DS 1 13 2 AA',
        'authority: child.example.org. 60 IN RRSIG DS 15 3 3600 example.org.',
      ],
    ],
    [
      'has no label counted for the star of a wildcard',
      '*.example.org. A',
      { answer: ['*.example.org. 5 IN A 192.0.2.1'] },
      [
        'NOERROR',
        'answer: *.example.org. 5 IN A 192.0.2.1',
        'answer: *.example.org. 5 IN RRSIG A 15 2 3600 example.org.',
      ],
    ],
    [
      'stays as it is where a denial has more than an SOA: the zone is signed already',
      'nope.example.org. A',
      { rcode: 'NXDOMAIN', authority: [soa, 'a.example.org. 30 IN NSEC b.example.org. A'] },
      ['NXDOMAIN', `authority: ${soa}`, 'authority: a.example.org. 30 IN NSEC b.example.org. A'],
    ],
  ]
  for (const [what, question, reply, expected] of cases)
    it(`a reply ${what}`, async () => {
      assert.deepEqual(await shown(signer(), question, reply), expected)
    })

  it('a name of 255 octets is denied by an NSEC record that fits', async () => {
    const labels = [...[63, 63, 63].map((length) => 'a'.repeat(length)), 'a'.repeat(49)]
    const name = `${labels.join('.')}.example.org.`
    const lines = await shown(signer(), `${name} A`, { rcode: 'NXDOMAIN', authority: [soa] })
    assert.equal(lines.filter((line) => line.includes(' IN NSEC ')).length, 1)
  })
})

describe('a reply that is not signed', () => {
  const reply: Reply = { answer: ['www.example.org. 5 IN A 192.0.2.1'] }

  it('a client without DO gets the reply as it is', async () => {
    const outcome = await outcomeOf(signer(), 'www.example.org. A', replying(reply), { edns: { dnssecOk: false } })
    assert.equal(messageOf(outcome).answer.length, 1)
  })

  it('a name of no zone of the plugin passes', async () => {
    const next = replying({ answer: ['www.example.net. 5 IN A 192.0.2.1'] })
    assert.equal(messageOf(await outcomeOf(signer(), 'www.example.net. A', next)).answer.length, 1)
  })

  it('an outcome without a message passes', async () => {
    assert.equal((await outcomeOf(signer(), 'www.example.org. A', failing(2))).kind, 'rcode')
  })

  it('a signature that is there already is not there twice', async () => {
    const instance = signer()
    const first = messageOf(await outcomeOf(instance, 'www.example.org. A', replying(reply)))
    const again: Next = ({ request }) => ({ kind: 'reply', plugin: 'test', message: { ...first, id: request.id } })
    assert.deepEqual(messageOf(await outcomeOf(instance, 'www.example.org. A', again)).answer, first.answer)
  })
})

describe('the keys', () => {
  const never: Next = () => assert.fail('the plugin answers itself')
  const keys = async (instance: Instance, asked = dnssecOk) =>
    messageOf(await outcomeOf(instance, 'EXAMPLE.org. DNSKEY', never, asked)).answer.map((record) =>
      recordText(record).replace(/(RRSIG DNSKEY \d+).*/, '$1'),
    )
  const records = [ksk, zsk].map(({ record }) => `example.org. 3600 ${record.slice(record.indexOf('IN'))}`)

  it('DNSKEY of the zone is answered with the keys, and signed by the one with SEP where both kinds are there', async () => {
    const signed = 'example.org. 3600 IN RRSIG DNSKEY 15'
    assert.deepEqual(await keys(signer([ksk.base, zsk.base])), [...records, signed])
  })

  it('DNSKEY is not signed for a client without DO', async () => {
    assert.deepEqual(await keys(signer(), { edns: { dnssecOk: false } }), records.slice(0, 1))
  })

  it('without a key of each kind every key signs everything', async () => {
    assert.equal((await keys(signer([ksk.base, ksk.base]))).filter((line) => line.includes('RRSIG')).length, 2)
    const lines = await shown(signer([zsk.base, zsk.base]), 'www.example.org. A', {
      answer: ['www.example.org. 5 IN A 192.0.2.1'],
    })
    assert.equal(lines.filter((line) => line.includes('RRSIG A 13')).length, 2)
  })

  it('records are signed by the key without SEP where there is one of each kind', async () => {
    const lines = await shown(signer([ksk.base, zsk.base]), 'www.example.org. A', {
      answer: ['www.example.org. 5 IN A 192.0.2.1'],
    })
    assert.deepEqual(lines.slice(2), ['answer: www.example.org. 5 IN RRSIG A 13 3 3600 example.org.'])
  })
})

describe('signatures that are kept', () => {
  const reply: Reply = { answer: ['www.example.org. 5 IN A 192.0.2.1'] }
  const day = 86_400_000

  function counted() {
    const harness = createPluginHarness()
    const instance = signer([ksk.base], 'cache_capacity 4', harness)
    const cell = (name: string) => harness.metrics.counter(name, '', ['server']).with('dns://:53').value
    return {
      harness,
      signature: async (answer: Reply = reply, question = 'www.example.org. A') => {
        const message = messageOf(await outcomeOf(instance, question, replying(answer)))
        return recordText(message.answer.findLast((record) => record.type === type.RRSIG) ?? message.authority[1])
      },
      counts: () => [cell('coredns_dnssec_cache_hits_total'), cell('coredns_dnssec_cache_misses_total')],
    }
  }

  it('the same set is signed once, whatever its TTL', async () => {
    const { signature, counts } = counted()
    const first = await signature()
    const aged = await signature({ answer: ['www.example.org. 4 IN A 192.0.2.1'] })
    assert.equal(aged, first.replace(' 5 IN', ' 4 IN'))
    assert.deepEqual(counts(), [1, 1])
  })

  it('another set of the same name is signed anew', async () => {
    const { signature, counts } = counted()
    await signature()
    await signature({ answer: ['www.example.org. 5 IN A 192.0.2.2'] })
    assert.deepEqual(counts(), [0, 2])
  })

  it('a signature is renewed two days before it expires', async () => {
    const { signature, harness } = counted()
    const first = await signature()
    harness.clock.advance(6 * day - 1000)
    assert.equal(await signature(), first)
    harness.clock.advance(2000)
    const expiration = (text: string) => text.split(' ')[8]
    assert.ok(expiration(await signature()) > expiration(first))
  })

  it('names that are denied drive out none that are there', async () => {
    const { signature, counts } = counted()
    await signature()
    for (let n = 0; n < 10; n++) await signature({ rcode: 'NXDOMAIN', authority: [soa] }, `n${n}.example.org. A`)
    const [hits] = counts()
    await signature()
    assert.equal(counts()[0], hits + 1)
  })
})

describe('too many signatures', () => {
  it('a reply that several keys make more signatures of than may be under way is made alone', async () => {
    const other = writeKeyFiles(folder, 'other', { zone })
    const instance = signer([ksk.base, other.base])
    const additional = Array.from({ length: 550 }, (_, i) => `h${i}.example.org. 30 IN A 192.0.2.1`)
    const reply = { answer: ['s.example.org. 30 IN SRV 1 1 53 h0.example.org.'], additional }
    const message = messageOf(await outcomeOf(instance, 's.example.org. SRV', replying(reply)))
    assert.equal(message.additional.filter((record) => record.type === type.RRSIG).length, 2 * 550)
  })

  it('a client that asks for more than are made at a time gets SERVFAIL, and others are served', async () => {
    const harness = createPluginHarness()
    const slow = writeKeyFiles(folder, 'rsa', { zone, algorithm: 'RSASHA256' })
    const instance = signer([slow.base], '', harness)
    const asked = (client: string, n: number) =>
      handle(instance, ask(`${client}-${n}.example.org. A`, { client, ...dnssecOk }), (query) =>
        replying({ answer: [`${query.name} 5 IN A 192.0.2.1`] })(query),
      )
    const flood = Array.from({ length: 3000 }, (_, n) => asked('192.0.2.66', n))
    const refused = flood.filter((outcome) => !(outcome instanceof Promise))
    assert.equal(refused.length, 3000 - 512)
    assert.partialDeepStrictEqual(await refused[0], { kind: 'rcode', rcode: 2, extendedError: { code: 23 } })
    assert.equal((await asked('192.0.2.1', 0)).kind, 'reply')
    await Promise.all(flood)
    assert.equal((await asked('192.0.2.66', 3000)).kind, 'reply')
    const cell = harness.metrics.counter('slicedns_dnssec_refused_total', '', ['server']).with('dns://:53')
    assert.equal(cell.value, refused.length)
  })

  it('a reply that no message holds is signed as far as it fits', async () => {
    const additional = Array.from({ length: 3000 }, (_, n) => `h${n}.example.org. 5 IN A 192.0.2.1`)
    const message = messageOf(await outcomeOf(signer(), 'www.example.org. SRV', replying({ additional })))
    const signed = message.additional.filter((record) => record.type === type.RRSIG).length
    assert.ok(signed > 400 && signed < 700, `${signed}`)
  })
})
