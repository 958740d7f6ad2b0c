/** The relay and the chain ask upstreams the same, and give clients the same octets. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { rcode, type } from '../../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../../src/dns/message.ts'
import { parseRecord } from '../../../src/dns/record-text.ts'
import { type ReplyParts, replyTo } from '../../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'
import { answering, type ScriptedUpstream, startUpstream } from '../../support/upstream.ts'
import { ask, queryOf, startRelaying } from './support.ts'

const records = (text: string): ResourceRecord[] => text.split('\n').map((line) => parseRecord(line.trim()))
const soa = 'example. 60 IN SOA ns.example. host.example. 1 3600 600 86400 30'
const edns = { version: 0, payloadSize: 4096, dnssecOk: false, extendedRcode: 0, options: [] }

/** What the upstream says to a question; its flags are those of a recursive resolver unless `change` says otherwise. */
interface Case {
  readonly what: string
  readonly name?: string
  readonly asked?: number
  readonly parts: ReplyParts
  readonly change?: Partial<Message>
  /** The thread answers by itself. */
  readonly plain?: true
}

const a = (owner: string, address = '192.0.2.1', ttl = 60) => `${owner} ${ttl} IN A ${address}`

const cases: readonly Case[] = [
  { what: 'an address', parts: { answer: records(a('www.example.')) }, plain: true },
  {
    what: 'addresses behind aliases',
    parts: {
      answer: records(
        `www.example. 30 IN CNAME web.example.\nweb.example. 40 IN CNAME host.example.\n${a('host.example.')}\n${a('host.example.', '192.0.2.2', 50)}`,
      ),
    },
    plain: true,
  },
  {
    what: 'IPv6 addresses',
    asked: type.AAAA,
    parts: { answer: records('www.example. 60 IN AAAA 2001:db8::1') },
    plain: true,
  },
  {
    what: 'mail servers, with name servers and their addresses',
    asked: type.MX,
    parts: {
      answer: records('www.example. 60 IN MX 10 mail.example.\nwww.example. 60 IN MX 20 mail.example.net.'),
      authority: records('example. 600 IN NS ns.example.'),
      additional: records(a('ns.example.')),
    },
    plain: true,
  },
  { what: 'strings', asked: type.TXT, parts: { answer: records('www.example. 60 IN TXT "one" "two"') }, plain: true },
  {
    what: 'services',
    asked: type.SRV,
    parts: {
      answer: records('www.example. 60 IN SRV 1 2 80 host.example.\nwww.example. 60 IN SRV 1 2 81 other.test.'),
    },
    plain: true,
  },
  {
    what: 'a pointer',
    asked: type.PTR,
    parts: { answer: records('www.example. 60 IN PTR host.example.') },
    plain: true,
  },
  { what: 'NXDOMAIN with SOA', parts: { rcode: rcode.NXDOMAIN, authority: records(soa) }, plain: true },
  { what: 'NODATA with SOA', parts: { authority: records(soa) }, plain: true },
  { what: 'an authoritative answer', parts: { authoritative: true, answer: records(a('www.example.')) }, plain: true },
  {
    what: 'an authentic answer',
    parts: { answer: records(a('www.example.')) },
    change: { authenticData: true },
    plain: true,
  },
  { what: 'TTL 0', parts: { answer: records(a('www.example.', '192.0.2.1', 0)) } },
  { what: 'a TTL of a day', parts: { answer: records(a('www.example.', '192.0.2.1', 86_400)) }, plain: true },
  { what: 'an OPT', parts: { answer: records(a('www.example.')), edns }, plain: true },
  { what: 'the name in upper case', name: 'WWW.Example.', parts: { answer: records(a('WWW.Example.')) }, plain: true },
  { what: 'NODATA without SOA', parts: {} },
  { what: 'NXDOMAIN without SOA', parts: { rcode: rcode.NXDOMAIN } },
  { what: 'an alias alone', parts: { answer: records('www.example. 30 IN CNAME web.example.') } },
  { what: 'a delegation', parts: { authority: records('www.example. 30 IN NS ns.example.') } },
  { what: 'an answer with an SOA', parts: { answer: records(a('www.example.')), authority: records(soa) } },
  { what: 'SERVFAIL', parts: { rcode: rcode.SERVFAIL } },
  { what: 'REFUSED', parts: { rcode: rcode.REFUSED } },
  { what: 'NOTIMP', parts: { rcode: rcode.NOTIMP } },
  {
    what: 'records of a type that the thread does not know',
    asked: type.HTTPS,
    parts: { answer: records('www.example. 60 IN TYPE65 \\# 3 000100') },
  },
  {
    what: 'an extended error',
    parts: {
      answer: records(a('www.example.')),
      edns: { ...edns, options: [{ code: 15, data: Uint8Array.of(0, 3) }] },
    },
    plain: true,
  },
  {
    what: 'an OPT with a cookie and DO',
    parts: {
      answer: records(a('www.example.')),
      edns: { ...edns, dnssecOk: true, options: [{ code: 10, data: new Uint8Array(24).fill(7) }] },
    },
    plain: true,
  },
  { what: 'an OPT of another version', parts: { answer: records(a('www.example.')), edns: { ...edns, version: 1 } } },
  {
    what: 'more addresses than the client can take',
    parts: { answer: Array.from({ length: 60 }, (_, i) => parseRecord(a('www.example.', `192.0.2.${i}`))) },
  },
]

const cookie = { code: 10, data: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }
const padding = { code: 12, data: new Uint8Array(5) }

interface Asking {
  readonly what: string
  readonly change: Partial<Message>
}

const askings: readonly Asking[] = [
  { what: 'without EDNS', change: {} },
  { what: 'with EDNS', change: { edns: { ...edns, payloadSize: 1232 } } },
  { what: 'with DO and a small buffer', change: { edns: { ...edns, payloadSize: 600, dnssecOk: true } } },
  { what: 'with AD and CD', change: { authenticData: true, checkingDisabled: true } },
  { what: 'without RD', change: { recursionDesired: false } },
  { what: 'with the cookie of dig', change: { edns: { ...edns, options: [cookie] } } },
  {
    what: 'with padding, a cookie and a local option',
    change: { edns: { ...edns, options: [padding, cookie, { code: 65_001, data: Uint8Array.of(1) }, padding] } },
  },
  { what: 'with padding alone', change: { edns: { ...edns, options: [padding] } } },
]

const blocks: readonly (readonly [string, string])[] = [
  ['forward alone', ''],
  ['forward behind cache', 'cache 30'],
  [
    'forward behind acl and a cache that serves stale',
    'acl {\nallow net 127.0.0.0/8\nblock\n}\ncache 30 {\nserve_stale\n}',
  ],
  ['forward behind bufsize and cache', 'bufsize 520\ncache 30 {\nsuccess 1000 20 10\ndenial 1000 15\n}'],
]

for (const [what, directives] of blocks)
  describe(`the relay and the chain, ${what}`, () => {
    let upstream: ScriptedUpstream
    let relaying: LoopbackServer
    let chain: LoopbackServer

    before(async () => {
      upstream = await startUpstream(answering())
      const corefile = (port: number) => `.:${port} {\nbind 127.0.0.1\n${directives}\nforward . ${upstream.to}\n}\n`
      relaying = await startRelaying(corefile)
      chain = await startLoopbackServer(corefile, { udp: 'dgram' })
    })
    after(async () => {
      await relaying.stop()
      await chain.stop()
      await upstream.close()
    })

    let number = 0
    /** Each question has a name of its own, so that nothing that is kept answers it. */
    const unique = (text: string, label: string): string => text.replaceAll(/www\.example\./gi, (name) => label + name)

    for (const { what: said, name = 'www.example.', asked = type.A, parts, change, plain } of cases)
      for (const asking of askings)
        it(`say the same of ${said}, asked ${asking.what}`, async () => {
          const label = `q${number++}-`
          const owned = (list: readonly ResourceRecord[] = []) =>
            list.map((record) => ({ ...record, name: unique(record.name, label) }))
          upstream.script = ({ query, send }) => {
            const reply: Message = {
              ...replyTo(query, { ...parts, answer: owned(parts.answer), authority: owned(parts.authority) }),
              recursionAvailable: true,
              edns: query.edns && parts.edns,
              ...change,
            }
            send(encodeMessage(reply, { limit: 0xffff }))
          }
          upstream.arrived.length = 0
          const query = queryOf(unique(name, label), asked, asking.change)
          const relayedBefore = await relaying.metric('slicedns_relayed_total')
          const byRelay = await ask(relaying.port, query)
          const askedByRelay = upstream.arrived.map((arrived) => wireOf(arrived.query))
          upstream.arrived.length = 0
          const byChain = await ask(chain.port, query)
          assert.deepEqual(parseMessage(byRelay), parseMessage(byChain))
          assert.equal(Buffer.from(byRelay).toString('hex'), Buffer.from(byChain).toString('hex'))
          assert.deepEqual(
            askedByRelay,
            upstream.arrived.map((arrived) => wireOf(arrived.query)),
          )
          const relayed = (await relaying.metric('slicedns_relayed_total')) - relayedBefore
          if (plain) assert.equal(relayed, 1)
        })
  })

const wireOf = (message: Message): string =>
  Buffer.from(encodeMessage({ ...message, id: 0 }, { limit: 0xffff })).toString('hex')
