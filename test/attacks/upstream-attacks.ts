/** Attacks on forwarding: by clients, and by an upstream. */
import assert from 'node:assert/strict'
import { rcode as rcodes } from '../../src/dns/codes.ts'
import type { Attack } from './arena.ts'
import { question } from './messages.ts'
import { askOverUdp, seconds, udpFlood } from './traffic.ts'

const silentFlood: Attack['run'] = ({ ports }) =>
  udpFlood(ports.dns, { perSecond: 8_000, count: 32_000 }, (i) =>
    question(`r${i.toString(36)}.silent.test`, 'A', { id: i & 0xffff }),
  )

export const upstreamAttacks: readonly Attack[] = [
  {
    finding: 9,
    title: '8,000 random names a second of one client, in a zone that does not answer',
    run: silentFlood,
  },
  {
    finding: 9,
    title: 'the same with 256 file descriptors',
    descriptors: 256,
    run: silentFlood,
  },
  {
    finding: 10,
    title: '60 answers of 61 KB made of chains of compression pointers, of an upstream asked over TCP',
    async run({ ports }) {
      await udpFlood(ports.dns, { perSecond: 30, count: 60 }, (i) =>
        question(`p${i}.pointers.stream.test`, 'A', { id: i }),
      )
      await seconds(2)
    },
  },
  {
    finding: 13,
    title: '3,800 questions for one name that differ in their EDNS size',
    onlySlicedns: true,
    async run({ ports, upstream }) {
      await udpFlood(ports.dns, { perSecond: 4_000, count: 3_800 }, (i) =>
        question('birthday.silent.test', 'A', { id: i, edns: 512 + i }),
      )
      await seconds(1)
      const outstanding = await upstream.questions('silent')
      assert.ok(outstanding <= 16, `${outstanding} questions for one name reached the upstream`)
    },
  },
  {
    finding: 18,
    title: 'an upstream answers with an extended rcode',
    onlySlicedns: true,
    async run({ ports }) {
      const reply = await askOverUdp(ports.dns, question('x.rcode.test', 'A', { edns: 1232 }))
      // RFC 6891 §6.1.3: the upper eight bits are in the OPT record, which comes last and is empty.
      const extended = reply.readUInt16BE(10) === 0 ? 0 : reply[reply.length - 6]
      const rcode = (extended << 4) | (reply[3] & 15)
      assert.ok(rcode === 0xff0 || rcode === rcodes.SERVFAIL, `the rcode became ${rcode}`)
    },
  },
]
