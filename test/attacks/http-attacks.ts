/** Attacks on the HTTP listeners and on the socket of `slicedns explain`. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { localName } from '../support/local-name.ts'
import { builtServer, type Ports, runtime } from '../support/server.ts'
import type { Attack } from './arena.ts'
import { closeAll, seconds, sendOnConnections } from './traffic.ts'

const requests = (path: string, count: number): Buffer =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`.repeat(count))

const pipelined = (page: keyof Ports, path: string, connections: number, each: number): Attack => ({
  finding: 1,
  title: `${connections} connections with ${each} pipelined GET ${path} each, nothing read`,
  async run({ ports }) {
    const sockets = await sendOnConnections(ports[page], { connections }, requests(path, each))
    await seconds(3)
    await closeAll(sockets)
  },
})

export const httpAttacks: readonly Attack[] = [
  pipelined('metrics', '/metrics', 40, 4_000),
  pipelined('ready', '/ready', 40, 40_000),
  {
    finding: 1,
    title: '200 connections with pipelined GET /health, opened again for 3 s',
    // The attack fills the listener of /health: the idlest and heaviest lose, never a probe for long.
    async run({ ports }) {
      for (let round = 0; round < 3; round++) {
        const sockets = await sendOnConnections(ports.health, { connections: 200 }, requests('/health', 2_000))
        await seconds(1)
        await closeAll(sockets)
      }
    },
  },
  {
    finding: 16,
    title: '40 silent connections and 3,200 pipelined requests on the explain socket',
    onlySlicedns: true,
    async run({ server }) {
      const path = localName(server.pid)
      const text = requests('/explain?name=web.shop.svc.cluster.local&type=A', 200)
      const sockets = Array.from({ length: 56 }, (_, i) => {
        const socket = connect(path)
        socket.on('error', () => undefined)
        socket.pause()
        if (i >= 40) socket.write(text)
        return socket
      })
      await seconds(1)
      // As an operator would, meanwhile.
      const args = [builtServer, 'explain', 'web.shop.svc.cluster.local', '--pid', String(server.pid)]
      const { stdout } = await promisify(execFile)(runtime, args, { timeout: 20_000 })
      assert.match(stdout, /answered from the table/)
      await closeAll(sockets)
    },
  },
]
