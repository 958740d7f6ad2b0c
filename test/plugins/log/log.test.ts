import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { wireToName } from '../../../src/dns/name.ts'
import { metadataScope } from '../../../src/plugin/capabilities/metadata.ts'
import { queryObserver } from '../../../src/plugin/capabilities/query-observer.ts'
import { transparency } from '../../../src/plugin/capabilities/transparency.ts'
import { capabilityOf, provide } from '../../../src/plugin/capability.ts'
import type { Instance } from '../../../src/plugin/contract.ts'
import type { AnsweredQuery } from '../../../src/plugin/observer.ts'
import type { Next, Query } from '../../../src/plugin/query.ts'
import { log } from '../../../src/plugins/log/index.ts'
import { type Asked, ask, createPluginHarness, failing, handle, replying, setUp } from '../../support/plugin-harness.ts'

/** The line that a query leaves behind, `undefined` when none. */
function logged(text: string, question: string, next: Next, asked: Asked = {}): string | undefined {
  const harness = createPluginHarness()
  harness.clock.advance(1)
  handle(setUp(log, text, harness), ask(question, asked), next)
  return harness.lines[0]
}

const soa = 'example.org. 5 IN SOA ns.example.org. host.example.org. 1 2 3 4 5'
const nodata = replying({ authority: [soa] })
const nxdomain = replying({ rcode: 'NXDOMAIN', authority: [soa] })
const drop: Next = () => ({ kind: 'drop', plugin: 'acl' })

describe('a line of the query log', () => {
  // Sizes are those that CoreDNS 1.15.0 writes for the same queries and replies: uncompressed, without truncation.
  const lines: readonly { name: string; text?: string; question: string; asked?: Asked; next?: Next; line: string }[] =
    [
      {
        name: 'has CoreDNS’s default format',
        question: 'W.Test. A',
        line: '192.0.2.1:4000 - 17 "A IN w.test. udp 24 false 512" NOERROR qr,rd 24 0.001s',
      },
      {
        name: 'brackets IPv6 clients, counts EDNS without its options, and calls every stream tcp with room for 65535 octets',
        question: 'aa.w.test. TYPE999',
        asked: {
          client: '2001:db8::1',
          transport: 'tls',
          edns: { dnssecOk: true, options: [{ code: 10, data: new Uint8Array(8) }] },
        },
        line: '[2001:db8::1]:4000 - 17 "TYPE999 IN aa.w.test. tcp 38 true 65535" NOERROR qr,rd 27 0.001s',
      },
      {
        name: 'counts EDNS with its options where the chain wrote no reply',
        text: 'log . {size}',
        question: 'w.test. A',
        asked: { edns: { options: [{ code: 10, data: new Uint8Array(8) }] } },
        next: failing(2, 'connection refused'),
        line: '47',
      },
      {
        name: 'counts EDNS sizes below 512 as 512',
        text: 'log . {>bufsize}',
        question: 'w.test. A',
        asked: { edns: { payloadSize: 100 } },
        line: '512',
      },
      {
        name: 'counts the records of the reply',
        text: 'log . "{rsize} {rcode}"',
        question: 'w.test. A',
        next: replying({ answer: ['w.test. 5 IN A 192.0.2.7'], additional: ['a\\.b.test. 5 IN A 192.0.2.7'] }),
        line: '70 NOERROR',
      },
      {
        name: 'has the size from before a reply is cut, and its flags from after',
        text: 'log . "{>rflags} {rsize}"',
        question: 'w.test. A',
        next: replying({ answer: Array.from({ length: 40 }, (_, i) => `w.test. 5 IN A 192.0.2.${i}`) }),
        line: 'qr,tc,rd 904',
      },
      {
        name: 'knows that compression can make a reply fit',
        text: 'log . "{>rflags} {rsize}"',
        question: 'w.test. A',
        next: replying({ answer: Array.from({ length: 30 }, (_, i) => `w.test. 5 IN A 192.0.2.${i}`) }),
        line: 'qr,rd 684',
      },
      {
        name: 'describes the server’s own reply when the chain wrote none',
        question: 'x.org. A',
        next: failing(2, 'connection refused'),
        line: '192.0.2.1:4000 - 17 "A IN x.org. udp 23 false 512" SERVFAIL qr,rd 23 0.001s',
      },
      {
        name: 'has dashes for a query that was dropped',
        question: 'q.a.test. TXT',
        next: drop,
        line: '192.0.2.1:4000 - 17 "TXT IN q.a.test. udp 26 false 512" - - 0 0.001s',
      },
      {
        name: 'keeps words that are no placeholders, and has a dash for metadata',
        text: 'log . "{remote} {local} {/a/b} {nosuch} { {>opcode}"',
        question: 'w.test. A',
        line: '192.0.2.1 192.0.2.53 - {nosuch} { 0',
      },
      {
        name: 'can build on the common format',
        text: 'log . "x {combined}"',
        question: 'w.test. A',
        line: 'x 192.0.2.1:4000 - 17 "A IN w.test. udp 24 false 512" NOERROR qr,rd 24 0.001s "0"',
      },
    ]
  for (const { name, text = 'log', question, asked, next = replying(), line } of lines)
    it(`a line of the query log ${name}`, () => assert.equal(logged(text, question, next, asked), `[INFO] ${line}`))

  it('a line of the query log waits for replies that take their time', async () => {
    const harness = createPluginHarness()
    await handle(setUp(log, 'log . {rcode}', harness), ask('a.org. A'), async (query) => nxdomain(query))
    assert.deepEqual(harness.lines, ['[INFO] NXDOMAIN'])
  })
})

describe('log', () => {
  const classes: readonly (readonly [string, Next, string])[] = [
    ['an answer', replying({ answer: ['a.org. 5 IN A 192.0.2.1'] }), 'success'],
    ['a delegation', replying({ authority: ['a.org. 5 IN NS ns.a.org.'] }), 'success'],
    ['no data and no SOA', replying(), 'success'],
    ['no data', nodata, 'denial'],
    ['a name that does not exist', nxdomain, 'denial'],
    ['a name that does not exist, without its SOA', replying({ rcode: 'NXDOMAIN' }), 'denial'],
    ['an alias to what does not exist', replying({ rcode: 'NXDOMAIN', answer: ['a.org. 5 IN CNAME b.org.'] }), 'error'],
    ['a failure', failing(2), 'error'],
    ['a refusal', replying({ rcode: 'REFUSED' }), 'error'],
    ['a dropped query', drop, 'error'],
  ]
  for (const [situation, next, expected] of classes)
    it(`log counts ${situation} as ${expected}`, () => {
      const found = ['success', 'denial', 'error'].filter(
        (name) => logged(`log . {\nclass ${name}\n}`, 'a.org. A', next) !== undefined,
      )
      assert.deepEqual(found, [expected])
    })

  it('log logs names at and below its own, each by the first rule that has it', () => {
    const text = 'log sub.Example.org {rcode}\nlog example.org other.org {type} {\nclass denial\n}'
    assert.equal(logged(text, 'a.SUB.example.org. A', replying()), '[INFO] NOERROR')
    assert.equal(logged(text, 'example.org. AAAA', nxdomain), '[INFO] AAAA')
    assert.equal(logged(text, 'x.other.org. AAAA', nodata), '[INFO] AAAA')
    assert.equal(logged(text, 'example.org. A', replying()), undefined)
    assert.equal(logged(text, 'notexample.org. A', nxdomain), undefined)
  })

  it('log lets every name into the answer table', () => {
    assert.equal(capabilityOf(setUp(log, 'log'), transparency), undefined)
  })
})

describe('metadata in a line of the query log', () => {
  const metadata: Query['metadata'] = (label) => (label === 'a/b' ? 'value' : undefined)

  it('a line has the metadata of the query, and a dash for a label without a value', () => {
    const harness = createPluginHarness()
    const instance = setUp(log, 'log . "{/a/b} {/a/c}"', harness)
    handle(instance, { ...ask('a.org. A'), metadata }, replying())
    handle(instance, ask('a.org. A'), replying())
    assert.deepEqual(harness.lines, ['[INFO] value -', '[INFO] - -'])
  })

  const types: readonly (readonly [Next, string])[] = [
    [replying({ answer: ['a.org. 5 IN A 192.0.2.1'] }), 'NOERROR success'],
    [replying({ authority: ['a.org. 5 IN NS ns.a.org.'] }), 'DELEGATION success'],
    [nodata, 'NODATA denial'],
    [nxdomain, 'NXDOMAIN denial'],
    [failing(2), 'SERVERERROR error'],
    [replying({ rcode: 'REFUSED' }), 'OTHERERROR error'],
    [drop, 'OTHERERROR error'],
  ]
  for (const [next, expected] of types)
    it(`a reply that CoreDNS calls ${expected} has that in log/type and log/class`, () => {
      const harness = createPluginHarness()
      handle(setUp(log, 'log . "{/log/type} {/log/class}"', harness), { ...ask('a.org. A'), metadata }, next)
      assert.deepEqual(harness.lines, [`[INFO] ${expected}`])
    })

  it('a reply with a signature that has expired is an error for who asks for signatures, as in CoreDNS', () => {
    const signature = 'a.org. 5 IN RRSIG A 13 2 5 20200101000000 20190101000000 1 a.org. AAAA'
    const next = replying({ answer: ['a.org. 5 IN A 192.0.2.1', signature] })
    const line = (dnssecOk: boolean) => {
      const harness = createPluginHarness()
      const query = { ...ask('a.org. A', { edns: { dnssecOk } }), metadata }
      handle(setUp(log, 'log . "{/log/type} {/log/class}"', harness), query, next)
      return harness.lines[0]
    }
    assert.deepEqual([true, false].map(line), ['[INFO] OTHERERROR error', '[INFO] NOERROR success'])
  })

  it('log keeps names whose lines have metadata out of the answer table', () => {
    const scope: Instance = { provides: [provide(metadataScope, { covers: (name) => name.endsWith('a.org.') })] }
    const claims = (text: string, others = {}) => {
      const instance = setUp(log, text, createPluginHarness(), { others })
      const { claims: claimed } = capabilityOf(instance, transparency)!
      return ['x.a.org.', 'x.b.org.'].map((name) => claimed(name) !== undefined)
    }
    assert.deepEqual(claims('log . {/a/b}', { metadata: scope }), [true, false])
    assert.deepEqual(claims('log . {/a/b}'), [false, false])
    assert.deepEqual(claims('log x.a.org\nlog . {/a/b}', { metadata: scope }), [false, false])
  })
})

describe('log for what the data plane answers', () => {
  const answered: AnsweredQuery = {
    id: 17,
    opcode: 0,
    qname: 'W.Test.',
    name: 'w.test.',
    qtype: 1,
    qclass: 1,
    transport: 'udp',
    client: { address: '192.0.2.1', port: 4000 },
    local: { address: '192.0.2.53', port: 53 },
    edns: undefined,
    requestOctets: 24,
    rcode: 0,
    flags: 0x8100,
    replyOctets: 24,
    denial: false,
    receivedAt: 0,
    seconds: 0.001,
  }

  /** The line that `answered` leaves behind. */
  function observed(text: string, change: Partial<AnsweredQuery> = {}): string | undefined {
    const harness = createPluginHarness()
    capabilityOf(setUp(log, text, harness), queryObserver)?.observe({ ...answered, ...change })
    return harness.lines[0]
  }

  for (const format of ['{common}', '{combined}', 'x {local} {/a/b} {nosuch} {name} {>rflags} {rsize}'])
    it(`log writes for what the data plane answers the line of the chain: ${format}`, () => {
      const text = `log . "${format}"`
      assert.equal(observed(text), logged(text, 'W.Test. A', replying()))
      const edns = { payloadSize: 4096, dnssecOk: true }
      assert.equal(
        observed(text, { edns, requestOctets: 35, transport: 'tcp' }),
        logged(text, 'W.Test. A', replying(), { edns, transport: 'tcp' }),
      )
    })

  it("log writes of the data plane's answers only what its first rule for the name does", () => {
    const text = 'log sub.test {type} {\nclass denial\n}\nlog test'
    assert.equal(observed(text, { name: 'a.sub.test.' }), undefined)
    assert.equal(observed(text, { name: 'a.sub.test.', rcode: 3, denial: true }), '[INFO] A')
    assert.match(observed(text)!, /^\[INFO\] 192\.0\.2\.1:4000 - 17 /)
    assert.equal(observed(text, { name: 'elsewhere.' }), undefined)
  })

  it('log lets no name forge a line: what is not printable is spelled out, and the log escapes what is left', () => {
    const wire = Uint8Array.from([9, 97, 10, 91, 69, 82, 82, 93, 27, 109, 0])
    const name = wireToName(wire, 0)
    assert.equal(observed('log . {name}', { name }), '[INFO] a\\010[ERR]\\027m.')
  })

  it('log wants to hear from the data plane of names that a rule is about, or may be about below them', () => {
    const instance = setUp(log, 'log a.org {\nclass denial\n}\nlog b.org {\nclass error\n}\nlog x.b.org')
    const observer = capabilityOf(instance, queryObserver)
    const wants = (name: string) => Object.values(observer!.wants(name))
    assert.deepEqual(['x.a.org.', 'a.org.', 'y.b.org.', 'b.org.', 'x.b.org.', 'org.', 'net.'].map(wants), [
      [false, true],
      [false, true],
      [false, false],
      [false, false],
      [false, false],
      [false, true],
      [false, false],
    ])
  })
})
