import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { run } from '../../src/cli/query.ts'
import { type LittleServer, littleServer, type Say, terminal } from './support.ts'

const soa = 'example. 30 IN SOA ns.example. john\\.doe.example. 1 7200 1800 86400 30'
const answers: Readonly<Record<string, Say>> = {
  'web.example. A': { answer: ['web.example. 5 IN A 192.0.2.1', 'web.example. 5 IN A 192.0.2.20'] },
  'web.example. AAAA': { authority: [soa] },
  'alias.example. A': { answer: ['alias.example. 30 IN CNAME web.example.', 'web.example. 5 IN A 192.0.2.1'] },
  'svc.example. SRV': {
    answer: ['svc.example. 5 IN SRV 0 50 8080 web.example.'],
    additional: ['web.example. 5 IN A 192.0.2.1'],
  },
  'a\\.b.example. A': { answer: ['a\\.b.example. 5 IN A 192.0.2.9'] },
  'text.example. TXT': { answer: ['text.example. 5 IN TXT "one two" "\\200\\"end"'] },
  'type.example. HTTPS': { answer: ['type.example. 5 IN TYPE65 \\# 3 000100'] },
  'type.example. TYPE999': { answer: ['type.example. 5 IN TYPE999 \\# 2 beef'] },
  '1.2.0.192.in-addr.arpa. PTR': { answer: ['1.2.0.192.in-addr.arpa. 5 IN PTR My\\ Service\\.v1.example.'] },
  'gone.example. A': { rcode: 'NXDOMAIN', authority: [soa] },
  'refused.example. A': { rcode: 'REFUSED' },
  'broken.example. A': { rcode: 'SERVFAIL' },
}

let server: LittleServer
before(async () => {
  server = await littleServer((question, query, transport) => {
    if (question === 'silent.example. A') return undefined
    if (question === 'garbage.example. TXT') return { octets: Uint8Array.of(1, 2, 3) }
    if (question === 'big.example. A')
      return transport === 'udp' ? { truncated: true } : { answer: ['big.example. 5 IN A 192.0.2.7'] }
    if (question === 'other.example. A') return { ...answers['web.example. A'], octets: otherQuestion(query.id) }
    return answers[question] ?? { rcode: 'NXDOMAIN' }
  })
})
after(() => server.close())

/** A reply of the right id to `x. A`. */
function otherQuestion(id: number): Uint8Array {
  return Uint8Array.of(id >> 8, id & 0xff, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x78, 0, 0, 1, 0, 1)
}

async function query(...args: string[]) {
  const io = terminal()
  const code = await run(
    [...args, `@127.0.0.1:${server.port}`, ...(args.includes('-timeout') ? [] : ['-timeout', '10000'])],
    io,
  )
  return {
    code,
    out: io
      .out()
      .replace(/, [\d.]+ ms\n$/, '\n')
      .replaceAll(String(server.port), 'PORT'),
    err: io.err().replaceAll(String(server.port), 'PORT'),
  }
}

describe('slicedns query', () => {
  const from = (transport: string) => `127.0.0.1:PORT over ${transport}, authoritative\n`
  const cases: readonly { name: string; ask: string[]; prints: string; code?: number }[] = [
    {
      name: 'prints its records in columns',
      ask: ['web.example'],
      prints: `web.example.  5  IN  A  192.0.2.1\nweb.example.  5  IN  A  192.0.2.20\n${from('udp')}`,
    },
    {
      name: 'prints the chain of an alias',
      ask: ['alias.example', 'a'],
      prints: `alias.example.  30  IN  CNAME  web.example.\nweb.example.    5   IN  A      192.0.2.1\n${from('udp')}`,
    },
    {
      name: 'prints SRV and what comes with it',
      ask: ['svc.example', 'SRV'],
      prints: `svc.example.  5  IN  SRV  0 50 8080 web.example.\nadditional:\nweb.example.  5  IN  A  192.0.2.1\n${from('udp')}`,
    },
    {
      name: 'keeps a dot inside a label',
      ask: ['a\\.b.example'],
      prints: `a\\.b.example.  5  IN  A  192.0.2.9\n${from('udp')}`,
    },
    {
      name: 'keeps octets of TXT that are no UTF-8',
      ask: ['text.example', 'TXT'],
      prints: `text.example.  5  IN  TXT  "one two" "\\200\\"end"\n${from('udp')}`,
    },
    {
      name: 'asks for a type by number',
      ask: ['type.example', 'TYPE999'],
      prints: `type.example.  5  IN  TYPE999  \\# 2 BEEF\n${from('udp')}`,
    },
    {
      name: 'takes an address for its PTR',
      ask: ['192.0.2.1'],
      prints: `1.2.0.192.in-addr.arpa.  5  IN  PTR  My\\ Service\\.v1.example.\n${from('udp')}`,
    },
    {
      name: 'takes -x as dig does',
      ask: ['-x', '192.0.2.1', '+short'],
      prints: 'My\\ Service\\.v1.example.\n',
    },
    {
      name: 'prints the data alone with --short',
      ask: ['alias.example', '--short'],
      prints: 'web.example.\n192.0.2.1\n',
    },
    {
      name: 'goes on over TCP when the reply is truncated',
      ask: ['big.example'],
      prints: `big.example.  5  IN  A  192.0.2.7\n${from('tcp')}`,
    },
    {
      name: 'goes over TCP at once with --tcp',
      ask: ['--tcp', 'alias.example'],
      prints: `alias.example.  30  IN  CNAME  web.example.\nweb.example.    5   IN  A      192.0.2.1\n${from('tcp')}`,
    },
    {
      name: 'tells NODATA from a missing name',
      ask: ['web.example', 'AAAA'],
      prints: `AAAA of web.example.: the name exists, but has no such record (NODATA)\nauthority:\nexample.  30  IN  SOA  ns.example. john\\.doe.example. 1 7200 1800 86400 30\n${from('udp')}`,
      code: 4,
    },
    {
      name: 'says that a name does not exist, and fails',
      ask: ['gone.example', '--tcp'],
      prints: `A of gone.example.: NXDOMAIN, the name does not exist\nauthority:\nexample.  30  IN  SOA  ns.example. john\\.doe.example. 1 7200 1800 86400 30\n${from('tcp')}`,
      code: 3,
    },
    {
      name: 'says that it was refused',
      ask: ['refused.example'],
      prints: `A of refused.example.: REFUSED, the server does not serve this name\n${from('udp')}`,
      code: 5,
    },
    {
      name: 'says that the server failed',
      ask: ['broken.example'],
      prints: `A of broken.example.: SERVFAIL, the server failed to find the answer\n${from('udp')}`,
      code: 5,
    },
  ]
  for (const { name, ask, prints, code = 0 } of cases)
    test(`slicedns query ${name}`, async () => {
      assert.deepEqual(await query(...ask), { code, out: prints, err: '' })
    })

  const failures: readonly { name: string; ask: string[]; says: RegExp }[] = [
    {
      name: 'a server that is silent',
      ask: ['silent.example', '-timeout', '50'],
      says: /^no reply from 127\.0\.0\.1:PORT over udp within 50 ms\n$/,
    },
    {
      name: 'a reply that is not a DNS message',
      ask: ['garbage.example', 'TXT'],
      says: /^the reply of 127\.0\.0\.1:PORT is malformed\n$/,
    },
    {
      name: 'silence after a reply to another question, which it ignores',
      ask: ['other.example', '-timeout', '50'],
      says: /^no reply from 127\.0\.0\.1:PORT over udp within 50 ms\n$/,
    },
  ]
  for (const { name, ask, says } of failures)
    test(`slicedns query reports ${name}`, async () => {
      const { code, out, err } = await query(...ask)
      assert.equal(code, 1)
      assert.equal(out, '')
      assert.match(err, says)
    })

  test('query reports a closed port', async () => {
    const gone = await littleServer(() => undefined)
    await gone.close()
    const said: string[] = []
    for (const how of [
      ['x.example', 'TXT'],
      ['x.example', '--tcp'],
    ]) {
      const io = terminal()
      assert.equal(await run([...how, '@127.0.0.1', '-p', String(gone.port)], io), 1)
      said.push(io.err().replace(String(gone.port), 'PORT'))
    }
    assert.deepEqual(said, [
      'nothing listens at 127.0.0.1:PORT over udp (connection refused)\n',
      'nothing listens at 127.0.0.1:PORT over tcp (connection refused)\n',
    ])
  })

  test('slicedns query asks an IPv6 server, over UDP and TCP', async () => {
    const six = await littleServer((question) => answers[question], '::1')
    try {
      for (const flags of [[], ['--tcp']]) {
        const io = terminal()
        assert.equal(await run(['web.example', `@[::1]:${six.port}`, ...flags], io), 0, io.err())
        assert.match(io.out(), new RegExp(`\\[::1\\]:${six.port} over ${flags.length ? 'tcp' : 'udp'}`))
      }
    } finally {
      await six.close()
    }
  })

  test('slicedns query asks this machine when only a port is given', async () => {
    const io = terminal()
    assert.equal(await run(['web.example', '-p', String(server.port)], io), 0, io.err())
  })

  test('slicedns query prints JSON with --json', async () => {
    const { out } = await query('svc.example', 'SRV', '--json')
    const { name, type, rcode, transport, answer } = JSON.parse(out)
    assert.deepEqual(
      { name, type, rcode, transport },
      { name: 'svc.example.', type: 'SRV', rcode: 'NOERROR', transport: 'udp' },
    )
    assert.deepEqual(answer, [
      { name: 'svc.example.', ttl: 5, class: 'IN', type: 'SRV', data: '0 50 8080 web.example.' },
    ])
  })
})

describe('an invalid command line is refused with the usage', () => {
  const cases: readonly [args: string[], says: string][] = [
    [[], 'NAME is missing'],
    [['a', 'B', 'c'], "unexpected argument 'c'"],
    [['a', 'NOSUCH'], "unknown record type 'NOSUCH': use A, AAAA, SRV, … or TYPE123"],
    [['a', '@b', '@c'], 'only one server can be asked: @b @c'],
    [['a', '-p', '99999'], "invalid port '99999'"],
    [['a..b'], "invalid name 'a..b': "],
    [['a', '--jsn'], 'flag provided but not defined: -jsn'],
  ]
  for (const [args, says] of cases)
    test(`slicedns query refuses the command line query ${args.join(' ')}`, async () => {
      const io = terminal()
      assert.equal(await run(args, io), 2)
      assert.ok(io.err().startsWith(says), io.err())
      assert.match(io.err(), /^Usage: slicedns query NAME/m)
    })
  test('a server that is not an address is a failure, with exit code 1', async () => {
    const io = terminal()
    assert.equal(await run(['a', '@1::2::3'], io), 1)
    assert.match(io.err(), /invalid server '@1::2::3': use @ADDRESS, @ADDRESS:PORT or @\[IPV6\]:PORT/)
  })
})
