/** Attacks on zones by the primary that they are transferred from. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { typeNumber } from '../../src/dns/codes.ts'
import { frame } from '../hostile/streams.ts'
import type { Attack } from './arena.ts'
import { question } from './messages.ts'
import { service, slices } from './objects.ts'
import { closeAll, repeat, sendOnConnections, udpFlood } from './traffic.ts'

const seconds = 8
const zones = Array.from({ length: 12 }, (_, i) => `z${i}.test`)
const recordsOfMessage = 2_000

/** Owner, type, class, TTL, length and data of an address below the question's name; the owner has seven digits. */
const addressRecord = Buffer.concat([
  Buffer.of(7),
  Buffer.alloc(7),
  Buffer.from('c00c000100010000003c0004c0000201', 'hex'),
])
/** SOA with timers of a second; its serial stands at 16. */
const soaRecord = Buffer.from('c00c000600010000003c0018c00cc00c000000000000000100000001000000010000000100000000', 'hex')

/** Every zone has a newer serial each time that it is asked for, and an end none: records come for as long as they are taken. */
async function startPrimary(port: number): Promise<{ close(): void }> {
  const open = new Set<Socket>()
  let serial = 0
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => open.delete(socket))
    socket.once('data', (octets: Buffer) => {
      const query = octets.subarray(2)
      const end = query.indexOf(0, 12) + 5
      const head = Buffer.from(query.subarray(0, end))
      head.writeUInt16BE(0x8400, 2)
      head.writeUInt32BE(0, 8)
      const soa = Buffer.from(soaRecord)
      soa.writeUInt32BE(++serial, 16)
      head.writeUInt16BE(1, 6)
      socket.write(frame(Buffer.concat([head, soa])))
      if (head.readUInt16BE(end - 4) !== typeNumber('SOA')) pour(socket, head)
    })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    close() {
      for (const socket of open) socket.destroy()
      server.close()
    },
  }
}

function pour(socket: Socket, head: Buffer): void {
  head.writeUInt16BE(recordsOfMessage, 6)
  const records = Array.from({ length: recordsOfMessage }, () => addressRecord)
  let number = 0
  const more = (): void => {
    do {
      const message = Buffer.concat([head, ...records])
      for (let at = head.length; at < message.length; at += addressRecord.length)
        message.write((number++).toString(36).padStart(7, '0'), at + 1, 'latin1')
      socket.write(frame(message))
    } while (!socket.destroyed && !socket.writableNeedDrain)
  }
  socket.on('drain', more)
  more()
}

/** NOTIFY (RFC 1996 §3.7), as a primary sends it. */
function notifier(port: number) {
  const socket = createSocket('udp4')
  socket.on('message', () => undefined)
  return {
    notify(zone: string): void {
      const message = question(zone, 'SOA')
      message.writeUInt16BE(0x2400, 2)
      socket.send(message, port, '127.0.0.1')
    },
    close: () => socket.close(),
  }
}

const hundred = Buffer.concat(
  Array.from({ length: 100 }, (_, id) => frame(question('web.shop.svc.cluster.local', 'A', { id }))),
)

async function floodOverTcp(port: number): Promise<void> {
  for (let round = 0; round < 4 * seconds; round++) {
    const from = ['127.0.1.1', '127.0.1.2', '127.0.1.3']
    const sockets = await sendOnConnections(port, { connections: 50, from }, hundred)
    await repeat(8, 1 / 4, () => undefined)
    await closeAll(sockets)
  }
}

export const zoneAttacks: readonly Attack[] = [
  {
    finding: 25,
    title: `${zones.length} zones of a primary that sends records without end and is asked again, beside floods over UDP and TCP`,
    block: ({ other }) => zones.map((zone) => `secondary ${zone} {\ntransfer from 127.0.0.1:${other}\n}`).join('\n'),
    objects: () =>
      Array.from({ length: 1_500 }, (_, i) => [
        service('shop', `s${i}`, { clusterIP: `10.98.${i >> 8}.${i & 255}` }),
        ...slices('shop', `s${i}`, 15, { first: 15 * i }),
      ]).flat(),
    async run({ ports }) {
      const primary = await startPrimary(ports.other)
      const { notify, close } = notifier(ports.dns)
      await Promise.all([
        repeat(200, seconds, (round) => notify(zones[round % zones.length])),
        udpFlood(ports.dns, { perSecond: 2_000, count: 2_000 * seconds, from: '127.0.1.4' }, (id) =>
          question(`10-1-2-${id & 255}.shop.pod.cluster.local`, 'A', { id: id & 0xffff }),
        ),
        floodOverTcp(ports.dns),
      ])
      close()
      // It goes on without the floods: all must be normal beside it.
      setTimeout(primary.close, 4_000)
    },
  },
]
