/** dns2's codec and our own give the same answers wherever dns2's is used. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type LookupOptions, lookUp } from '../../src/cli/lookup-client.ts'
import { typeNumber } from '../../src/dns/codes.ts'
import { type LittleServer, littleServer, type Say } from './support.ts'

const answers: Readonly<Record<string, Say>> = {
  'a.example. A': {
    answer: ['a.example. 5 IN CNAME b.example.', 'b.example. 6 IN A 192.0.2.1', 'b.example. 6 IN A 192.0.2.2'],
  },
  'a.example. AAAA': {
    answer: ['a.example. 5 IN AAAA 2001:db8::1', 'a.example. 5 IN AAAA ::', 'a.example. 5 IN AAAA 1:0:2::'],
  },
  'a.example. NS': { answer: ['a.example. 5 IN NS ns1.example.', 'a.example. 5 IN NS .'] },
  'a.example. MX': { answer: ['a.example. 5 IN MX 10 mail.example.'] },
  'a.example. SRV': {
    answer: ['a.example. 5 IN SRV 1 2 65535 b.example.'],
    additional: ['b.example. 5 IN A 192.0.2.1'],
  },
  '. NS': { answer: ['. 5 IN NS a.root.'] },
  'gone.example. A': { rcode: 'NXDOMAIN', authority: ['example. 5 IN SOA ns.example. x.example. 1 2 3 4 5'] },
  'refused.example. A': { rcode: 'REFUSED' },
  'empty.example. AAAA': {},
}
const options: LookupOptions = { tcp: false, answersOnly: true, timeout: 10_000 }

let server: LittleServer
before(async () => {
  server = await littleServer((question, query, transport) => {
    const id = [query.id >> 8, query.id & 0xff]
    if (question === 'other.example. A')
      return { octets: Uint8Array.of(...id, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x78, 0, 0, 1, 0, 1) }
    if (question === 'cut.example. A') return { octets: Uint8Array.of(...id, 0x80, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0) }
    if (question === 'big.example. A' && transport === 'udp') return { truncated: true }
    if (question === 'big.example. A') return { answer: ['big.example. 5 IN A 192.0.2.7'] }
    return answers[question]
  })
})
after(() => server.close())

function ask(name: string, type: string, how: Partial<LookupOptions> = {}) {
  return lookUp({ name, type: typeNumber(type)! }, server, { ...options, ...how })
}

describe("dns2's codec and our own", () => {
  for (const question of Object.keys(answers)) {
    const [name, type] = question.split(' ')
    test(`dns2's codec and ours agree on the reply to ${question}`, async () => {
      const [theirs, ours] = [await ask(name, type), await ask(name, type, { answersOnly: false })]
      assert.deepEqual(theirs, { ...ours, authority: [], additional: [] })
    })
  }
})

test('a truncated reply is asked for again over TCP', async () => {
  const earlier = server.asked.length
  assert.equal((await ask('big.example.', 'A')).transport, 'tcp')
  assert.deepEqual(server.asked.slice(earlier), ['big.example. A udp', 'big.example. A tcp'])
})

test('a reply to another question is ignored until the timeout', async () => {
  await assert.rejects(ask('other.example.', 'A', { timeout: 20 }), /no reply from 127\.0\.0\.1:\d+ over udp/)
})

test('a reply whose records are cut off is malformed', async () => {
  await assert.rejects(ask('cut.example.', 'A'), /the reply of 127\.0\.0\.1:\d+ is malformed/)
})

test('a lookup of a closed port fails at once, whichever codec reads its replies', async () => {
  const gone = await littleServer(() => undefined)
  await gone.close()
  for (const answersOnly of [true, false])
    await assert.rejects(
      lookUp({ name: 'a.example.', type: 1 }, gone, { tcp: false, answersOnly, timeout: 60_000 }),
      /nothing listens at 127\.0\.0\.1:\d+ over udp \(connection refused\)/,
    )
})

test('a silent server is waited for as long as the timeout', async () => {
  await assert.rejects(
    ask('silent.example.', 'A', { timeout: 20 }),
    /no reply from 127\.0\.0\.1:\d+ over udp within 20 ms/,
  )
  await assert.rejects(
    ask('silent.example.', 'A', { timeout: 20, tcp: true }),
    /no reply from 127\.0\.0\.1:\d+ over tcp within 20 ms/,
  )
})
