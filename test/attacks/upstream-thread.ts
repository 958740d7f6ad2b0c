/** The upstream's own thread. What it does with a question is what one of the question's labels is called. */
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { frame } from '../hostile/streams.ts'
import { pointerChains } from './pointer-chains.ts'

const port: number = workerData
/** Questions so far, by zone. */
const counts = new Map<string, number>()

/** A record of the name in the question. */
const oneAddress = Buffer.from('c00c00010001000000050004c0000201', 'hex')
/** Milliseconds until an answer of the zone `slow`. */
const slowness = 1000

/** The reply of a zone to a question: header and question section of the reply, its length. Undefined: silence. */
const zones: Readonly<Record<string, (head: Buffer) => Buffer | undefined>> = {
  good: (head) => reply(head, 0, [oneAddress]),
  silent: () => undefined,
  slow: (head) => reply(head, 0, [oneAddress]),
  pointers: pointerChains,
  // Rcode 0 in the header, 0xff0 with the OPT record's eight bits.
  rcode: (head) => withOpt(reply(head, 0, []), 0xff),
}

function reply(head: Buffer, rcode: number, answers: readonly Buffer[]): Buffer {
  const octets = Buffer.concat([head, ...answers])
  octets.writeUInt16BE(0x8180 | rcode, 2)
  octets.writeUInt16BE(answers.length, 6)
  octets.writeUInt32BE(0, 8)
  return octets
}

function withOpt(message: Buffer, extendedRcode: number): Buffer {
  const opt = Buffer.of(0, 0, 41, 0x04, 0xd0, extendedRcode, 0, 0, 0, 0, 0)
  message.writeUInt16BE(1, 10)
  return Buffer.concat([message, opt])
}

function zoneOf(query: Buffer): string {
  const labels: string[] = []
  let at = 12
  while (query[at] !== 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + query[at]).toLowerCase())
    at += 1 + query[at]
  }
  const zone = labels.findLast((label) => Object.hasOwn(zones, label)) ?? ''
  return labels.at(-1) === 'test' ? zone : ''
}

function answer(query: Buffer, zone: string): Buffer | undefined {
  const head = Buffer.from(query.subarray(0, query.indexOf(0, 12) + 5))
  counts.set(zone, (counts.get(zone) ?? 0) + 1)
  const zoneReply = zones[zone]
  return zoneReply ? zoneReply(head) : reply(head, 3, [])
}

const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 })
udp.on('message', (query, from) => {
  const zone = zoneOf(query)
  const octets = answer(query, zone)
  if (octets && zone === 'slow') setTimeout(() => udp.send(octets, from.port, from.address), slowness)
  else if (octets && octets.length > 512) {
    // Over TCP, then.
    const cut = Buffer.from(octets.subarray(0, query.indexOf(0, 12) + 5))
    cut.writeUInt16BE(0x8380, 2)
    cut.fill(0, 6, 12)
    udp.send(cut, from.port, from.address)
  } else if (octets) udp.send(octets, from.port, from.address)
})
udp.on('error', () => undefined)

const tcp = createServer((socket) => {
  let received: Buffer = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', (octets: Buffer) => {
    received = received.length === 0 ? octets : Buffer.concat([received, octets])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      const question = received.subarray(2, end)
      const message = answer(question, zoneOf(question))
      received = received.subarray(end)
      if (message) socket.write(frame(message))
    }
  })
})

udp.bind(port, '127.0.0.1', () => tcp.listen(port, '127.0.0.1', () => parentPort!.postMessage('listening')))
parentPort!.on('message', () => parentPort!.postMessage(Object.fromEntries(counts)))
