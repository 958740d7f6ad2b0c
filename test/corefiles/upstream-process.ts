/**
 * Every resolver of the world, in one process: `node upstream-process.ts ADDRESS:PORT…` answers over UDP and TCP there,
 * over TLS where the port is 853, or 5353, which one of the Corefiles has for its DNS over TLS. What it answers depends
 * on the question alone, so that two servers that ask it must answer alike. Prints `ready`.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, isIPv6, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { rcode, type as rrType } from '../../src/dns/codes.ts'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { replyTo } from '../../src/dns/reply.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { folder } from './places.ts'

const tlsPorts = [853, 5353]
const soa = parseRecord('. 300 IN SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 300')

function answer(bytes: Uint8Array): Uint8Array {
  const query = parseMessage(bytes)
  const [{ name, type }] = query.questions
  const label = name.split('.')[0]!.toLowerCase()
  const records = label.startsWith('v4only') && type === rrType.AAAA ? [] : recordsOf(name.toLowerCase(), type)
  const denial = { rcode: label.startsWith('nx') ? rcode.NXDOMAIN : rcode.NOERROR, authority: [soa] }
  const isDenied = label.startsWith('nx') || records.length === 0
  const reply = replyTo(query, isDenied ? denial : { answer: records.map((record) => ({ ...record, name })) })
  return encodeMessage({ ...reply, recursionAvailable: true }, { limit: 0xffff })
}

/** Two records of each family, which differ from name to name. */
function recordsOf(name: string, type: number): ResourceRecord[] {
  const octet = [...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 250, 7)
  const texts =
    type === rrType.A
      ? [`A 192.0.2.${octet}`, `A 198.51.100.${octet}`]
      : type === rrType.AAAA
        ? [`AAAA 2001:db8::${octet.toString(16)}`]
        : type === rrType.PTR
          ? [`PTR host-${octet}.example.`]
          : []
  return texts.map((text) => parseRecord(`x. 300 IN ${text}`))
}

function serve(socket: Socket): void {
  let received = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      const reply = answer(received.subarray(2, end))
      received = received.subarray(end)
      socket.write(Buffer.concat([Buffer.of(reply.length >> 8, reply.length & 0xff), reply]))
    }
  })
}

async function open(at: string): Promise<void> {
  const colon = at.lastIndexOf(':')
  const address = at.slice(0, colon)
  const port = Number(at.slice(colon + 1))
  const tcp = tlsPorts.includes(port)
    ? createTlsServer(
        { cert: readFileSync(`${folder}/upstream.crt`), key: readFileSync(`${folder}/upstream.key`) },
        serve,
      )
    : createServer(serve)
  tcp.listen(port, address)
  await once(tcp, 'listening')
  const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  udp.on('message', (bytes, from) => udp.send(answer(bytes), from.port, from.address))
  udp.bind(port, address)
  await once(udp, 'listening')
}

for (const at of process.argv.slice(2)) await open(at)
process.stdout.write('ready\n')
