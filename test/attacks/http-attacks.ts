import type { Ports } from '../support/server.ts'
import type { Attack } from './arena.ts'
import { closeAll, seconds, sendOnConnections } from './traffic.ts'

const requests = (path: string, count: number): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count))

const pipelined = (page: keyof Ports, path: string, connections: number, each: number): Attack => ({
  finding: 1,
  title: `${connections} connections with ${each} pipelined GET ${path} each, nothing read`,
  async run({ ports }) {
    const sockets = await sendOnConnections(ports[page], { connections }, requests(path, each))
    await seconds(4)
    closeAll(sockets)
  },
})

export const httpAttacks: readonly Attack[] = [
  pipelined('metrics', '/metrics', 40, 4_000),
  pipelined('ready', '/ready', 40, 40_000),
  {
    finding: 1,
    title: '200 connections with pipelined GET /health, opened again for 4 s',
    // The attack fills the listener of /health: the idlest and heaviest lose, never a probe for long.
    async run({ ports }) {
      for (let round = 0; round < 4; round++) {
        const sockets = await sendOnConnections(ports.health, { connections: 200 }, requests('/health', 2_000))
        await seconds(1)
        closeAll(sockets)
      }
    },
  },
]
