/** Replies that a transport writes by itself. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseMessage } from '../../src/dns/parse.ts'
import { servfail } from '../../src/transport/chain-slots.ts'
import { writeFormerr } from '../../src/transport/error-replies.ts'

/** ID 4711, RD, one question for a.example. A; then what follows. */
const query = (counts: string, behind: string): Uint8Array =>
  Buffer.from(`12670100${counts}01610765786d61706c650000010001${behind}`, 'hex')
const alone = '0001000000000000'
const withOpt = '0001000000000001'

const networkError = [{ code: 15, data: Uint8Array.of(0, 23) }]

describe('SERVFAIL of a server without room (RFC 8914 §4.24)', () => {
  const cases = [
    {
      title: 'a client with EDNS gets the extended error 23',
      request: query(withOpt, '00002904d0000000000000'),
      edns: { payloadSize: 1232, dnssecOk: false },
    },
    {
      title: 'DO is repeated',
      request: query(withOpt, '0000290200000080000000'),
      edns: { payloadSize: 512, dnssecOk: true },
    },
    {
      title: 'options of the client are not repeated',
      request: query(withOpt, '00002904d00000000000040003ffff'),
      edns: { payloadSize: 1232, dnssecOk: false },
    },
    { title: 'a client without EDNS gets none', request: query(alone, ''), edns: undefined },
    {
      title: 'a record other than OPT is not an OPT',
      request: query(withOpt, '0000010001000000000000'),
      edns: undefined,
    },
    {
      title: 'an OPT behind other records is not looked for',
      request: query('0001000100000001', '00000100010000000000000000290200000000000000'),
      edns: undefined,
    },
    { title: 'an OPT that is cut off does not count', request: query(withOpt, '00002904d0'), edns: undefined },
  ] as const
  for (const { title, request, edns } of cases)
    test(`SERVFAIL without room: ${title}`, () => {
      const reply = parseMessage(servfail(request))
      assert.deepEqual([reply.id, reply.rcode, reply.questions.length], [0x1267, 2, 1])
      if (edns === undefined) assert.equal(reply.edns, undefined)
      else assert.deepEqual(reply.edns, { version: 0, extendedRcode: 0, options: networkError, ...edns })
    })
})

describe('FORMERR for a message of which only the header is known', () => {
  const header = (flags: string): Uint8Array => Buffer.from(`1267${flags}0001000000000000`, 'hex')
  const cases = [
    { title: 'RD and CD are repeated (RFC 4035 §3.2.2)', flags: '0110', reply: '8111' },
    { title: 'AA, TC, RA, Z and AD are cleared', flags: '06e0', reply: '8001' },
    { title: 'the operation is repeated', flags: '2000', reply: 'a001' },
  ]
  for (const { title, flags, reply } of cases)
    test(`FORMERR of a header: ${title}`, () => {
      const octets = new Uint8Array(12)
      assert.equal(writeFormerr(header(flags), 0, octets), true)
      assert.equal(Buffer.from(octets).toString('hex'), `1267${reply}0000000000000000`)
    })

  test('FORMERR of a header: a response gets none', () =>
    assert.equal(writeFormerr(header('8000'), 0, new Uint8Array(12)), false))
})
