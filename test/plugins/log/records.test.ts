import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordFields } from '../../../src/plugins/log/fields.ts'
import type { Logged } from '../../../src/plugins/log/logged.ts'

const logged: Logged = {
  id: 4,
  opcode: 0,
  name: 'a.org.',
  type: 65_280,
  class: 1,
  transport: 'udp',
  client: { address: '2001:db8::1', port: 4000 },
  local: { address: '::', port: 53 },
  octets: 24,
  dnssecOk: true,
  limit: 1232,
  reply: { rcode: 3, flags: 0x8100, octets: 99 },
  seconds: 0.25,
}

describe('the record of a query (-log-format json)', () => {
  it('a record has the keys of CoreDNS in its order, and an address without brackets', () => {
    assert.equal(
      JSON.stringify(recordFields(logged)),
      '{"plugin":"log","client_ip":"2001:db8::1","client_port":4000,"qname":"a.org.","qtype":"TYPE65280","qclass":"IN",' +
        '"protocol":"udp","id":4,"opcode":0,"request_size":24,"dnssec_ok":true,"bufsize":1232,"rcode":"NXDOMAIN",' +
        '"response_size":99,"duration_seconds":0.25}',
    )
  })

  it('the rcode of a record is null when nothing was written, and a number in text when it has no name', () => {
    assert.deepEqual(
      [undefined, { rcode: 24, flags: 0, octets: 12 }].map((reply) => recordFields({ ...logged, reply }).rcode),
      [null, '24'],
    )
  })
})
