/** A little DNS server on real sockets, and a terminal to read. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import type { Io } from '../../src/cli/args.ts'
import { rcode, typeName } from '../../src/dns/codes.ts'
import type { Message } from '../../src/dns/message.ts'
import { parseRecord } from '../../src/dns/record-text.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import { freePort } from '../support/ports.ts'

/** What the server says to one question: records in zone-file text, an rcode, or octets as they are; undefined: silence. */
export type Script = (question: string, query: Message, transport: 'udp' | 'tcp') => Say | undefined
export type Say =
  | {
      readonly rcode?: keyof typeof rcode
      readonly answer?: readonly string[]
      readonly authority?: readonly string[]
      readonly additional?: readonly string[]
      readonly truncated?: boolean
    }
  | { readonly octets: Uint8Array }

export interface LittleServer {
  readonly port: number
  readonly address: string
  /** Questions in the order they came: `web.example. A udp`. */
  readonly asked: string[]
  close(): Promise<void>
}

/** Answers by script on UDP and TCP of one port. */
export async function littleServer(script: Script, address = '127.0.0.1'): Promise<LittleServer> {
  const port = await freePort()
  const asked: string[] = []
  const reply = (octets: Uint8Array, transport: 'udp' | 'tcp'): Uint8Array | undefined => {
    const query = parseMessage(octets)
    const [{ name, type }] = query.questions
    asked.push(`${name} ${typeName(type)} ${transport}`)
    const say = script(`${name} ${typeName(type)}`, query, transport)
    return say && ('octets' in say ? say.octets : encodeMessage(replyMessage(query, say), { limit: 65_535 }))
  }
  const udp: Socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  udp.on('message', (octets, from) => {
    const said = reply(octets, 'udp')
    if (said) udp.send(said, from.port, from.address)
  })
  const tcp: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (octets: Buffer) => {
      const said = reply(octets.subarray(2), 'tcp')
      if (said) socket.write(Buffer.concat([Buffer.from([said.length >> 8, said.length & 0xff]), said]))
    })
  })
  udp.bind(port, address)
  tcp.listen(port, address)
  await Promise.all([once(udp, 'listening'), once(tcp, 'listening')])
  return {
    port,
    address,
    asked,
    async close() {
      udp.close()
      tcp.close()
    },
  }
}

function replyMessage(query: Message, say: Exclude<Say, { octets: Uint8Array }>): Message {
  return {
    ...query,
    response: true,
    authoritative: true,
    truncated: say.truncated ?? false,
    rcode: rcode[say.rcode ?? 'NOERROR'],
    answer: (say.answer ?? []).map(parseRecord),
    authority: (say.authority ?? []).map(parseRecord),
    additional: (say.additional ?? []).map(parseRecord),
  }
}

/** Takes what a command prints. */
export function terminal(): Io & { out(): string; err(): string } {
  let out = ''
  let err = ''
  return {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    out: () => out,
    err: () => err,
  }
}
