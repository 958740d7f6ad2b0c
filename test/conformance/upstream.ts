/** The upstream that both servers forward to: a fixed zone, answered at once, over UDP and TCP. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { dnsClass, rcode } from '../../src/dns/codes.ts'
import type { Message } from '../../src/dns/message.ts'
import { lowerName } from '../../src/dns/name.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { finishReply, replyTo } from '../../src/dns/reply.ts'
import { ParseError, parseMessage } from '../../src/dns/wire.ts'
import { answerBelowTest } from './plugins/upstream-zone.ts'

const soa = parseRecord('example.org. 60 IN SOA ns.example.org. admin.example.org. 1 2 3 4 60')
const zone = [
  'www.example.org. 120 IN A 192.0.2.1',
  'www.example.org. 120 IN AAAA 2001:db8::1',
  'nodata.example.org. 60 IN TXT "only text"',
  'alias.example.org. 90 IN CNAME www.example.org.',
  'vm.example.com. 60 IN A 192.0.2.77',
  ...Array.from({ length: 60 }, (_, n) => `many.example.org. 60 IN A 192.0.2.${n + 100}`),
].map(parseRecord)

/** Whether a record came from here, wherever it is told. */
export const isOfUpstream = (owner: string): boolean => /(^|\.)example\.(org|com)\.$/i.test(owner)

const failures = new Map([
  ['refused.example.org.', rcode.REFUSED],
  ['servfail.example.org.', rcode.SERVFAIL],
])

/** Undefined for what is no message: a name that a rule made too long, from CoreDNS. */
function answer(octets: Uint8Array, transport: 'udp' | 'tcp'): Uint8Array | undefined {
  const request = parsed(octets)
  if (request === undefined) return undefined
  const scripted = answerBelowTest(request)
  if (scripted !== undefined) {
    const reply = replyTo(request, scripted)
    return finishReply({ ...reply, recursionAvailable: true }, request, { transport })
  }
  const { name, type } = request.questions[0]!
  const here = zone.filter((record) => record.name === lowerName(name))
  const records = here
    .filter((record) => record.type === type && request.questions[0]?.class === dnsClass.IN)
    .map((record) => ({ ...record, name }))
  const failure = failures.get(lowerName(name))
  const reply = replyTo(request, {
    rcode: failure ?? (here.length > 0 ? rcode.NOERROR : rcode.NXDOMAIN),
    answer: records,
    authority: records.length > 0 || failure ? [] : [soa],
  })
  return finishReply({ ...reply, recursionAvailable: true }, request, { transport })
}

function parsed(octets: Uint8Array): Message | undefined {
  try {
    return parseMessage(octets)
  } catch (error) {
    if (error instanceof ParseError) return undefined
    throw error
  }
}

export async function startUpstream(): Promise<{ port: number; close(): void }> {
  const tcp = createServer((connection) => {
    let received = Buffer.alloc(0)
    connection.on('error', () => connection.destroy())
    connection.on('data', (chunk) => {
      received = Buffer.concat([received, Buffer.from(chunk)])
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0)
        const reply = answer(received.subarray(2, end), 'tcp')
        if (reply) connection.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]))
        received = received.subarray(end)
      }
    })
  })
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as { port: number }
  const udp = createSocket('udp4')
  udp.on('message', (octets, from) => {
    const reply = answer(octets, 'udp')
    if (reply) udp.send(reply, from.port, from.address)
  })
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  return {
    port,
    close() {
      tcp.close()
      udp.close()
    },
  }
}
