import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Next } from '../../../src/plugin/query.ts'
import { log } from '../../../src/plugins/log/index.ts'
import { type Asked, ask, createProcessRig, failing, handle, replying, setUp } from '../../support/plugin-rig.ts'

/** The line that a query leaves behind, `undefined` when none. */
function logged(text: string, question: string, next: Next, asked: Asked = {}): string | undefined {
  const rig = createProcessRig()
  rig.clock.move(1)
  handle(setUp(log, text, rig), ask(question, asked), next)
  return rig.lines[0]
}

const soa = 'example.org. 5 IN SOA ns.example.org. host.example.org. 1 2 3 4 5'
const nodata = replying({ authority: [soa] })
const nxdomain = replying({ rcode: 'NXDOMAIN', authority: [soa] })
const drop: Next = () => ({ kind: 'drop', plugin: 'acl' })

describe('a line of the query log', () => {
  // Sizes are those that CoreDNS 1.14.7 writes for the same queries and replies: uncompressed, without truncation.
  const lines: readonly { name: string; text?: string; question: string; asked?: Asked; next?: Next; line: string }[] =
    [
      {
        name: 'has CoreDNS’s default format',
        question: 'W.Test. A',
        line: '192.0.2.1:4000 - 17 "A IN w.test. udp 24 false 512" NOERROR qr,rd 24 0.001s',
      },
      {
        name: 'brackets IPv6 clients, counts EDNS, and calls every stream tcp with room for 65535 octets',
        question: 'aa.w.test. TYPE999',
        asked: {
          client: '2001:db8::1',
          transport: 'tls',
          edns: { dnssecOk: true, options: [{ code: 10, data: new Uint8Array(8) }] },
        },
        line: '[2001:db8::1]:4000 - 17 "TYPE999 IN aa.w.test. tcp 50 true 65535" NOERROR qr,rd 27 0.001s',
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
    it(name, () => assert.equal(logged(text, question, next, asked), `[INFO] ${line}`))

  it('waits for replies that take their time', async () => {
    const rig = createProcessRig()
    await handle(setUp(log, 'log . {rcode}', rig), ask('a.org. A'), async (query) => nxdomain(query))
    assert.deepEqual(rig.lines, ['[INFO] NXDOMAIN'])
  })
})

describe('log', () => {
  const classes: readonly (readonly [string, Next, string])[] = [
    ['an answer', replying({ answer: ['a.org. 5 IN A 192.0.2.1'] }), 'success'],
    ['a delegation', replying({ authority: ['a.org. 5 IN NS ns.a.org.'] }), 'success'],
    ['no data and no SOA', replying(), 'success'],
    ['no data', nodata, 'denial'],
    ['a name that does not exist', nxdomain, 'denial'],
    ['a name that does not exist, without its SOA', replying({ rcode: 'NXDOMAIN' }), 'error'],
    ['a failure', failing(2), 'error'],
    ['a refusal', replying({ rcode: 'REFUSED' }), 'error'],
    ['a dropped query', drop, 'error'],
  ]
  for (const [situation, next, expected] of classes)
    it(`counts ${situation} as ${expected}`, () => {
      const found = ['success', 'denial', 'error'].filter(
        (name) => logged(`log . {\nclass ${name}\n}`, 'a.org. A', next) !== undefined,
      )
      assert.deepEqual(found, [expected])
    })

  it('logs names at and below its own, each by the first rule that has it', () => {
    const text = 'log sub.Example.org {rcode}\nlog example.org other.org {type} {\nclass denial\n}'
    assert.equal(logged(text, 'a.SUB.example.org. A', replying()), '[INFO] NOERROR')
    assert.equal(logged(text, 'example.org. AAAA', nxdomain), '[INFO] AAAA')
    assert.equal(logged(text, 'x.other.org. AAAA', nodata), '[INFO] AAAA')
    assert.equal(logged(text, 'example.org. A', replying()), undefined)
    assert.equal(logged(text, 'notexample.org. A', nxdomain), undefined)
  })

  it('keeps names that are logged out of the answer table, and no others', () => {
    const { transparency } = setUp(log, 'log a.org {\nclass denial\n}\nlog b.org {\nclass error\n}')
    assert.deepEqual(
      ['x.a.org.', 'a.org.', 'b.org.', 'org.'].map((name) => [
        name,
        transparency?.passes(name),
        transparency?.passesBelow(name),
      ]),
      [
        ['x.a.org.', false, false],
        ['a.org.', false, false],
        ['b.org.', true, true],
        ['org.', true, false],
      ],
    )
    assert.equal(setUp(log, 'log . {\nclass error\n}').transparency, undefined, 'a log of errors bars no name')
  })
})
