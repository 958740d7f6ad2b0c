/** Servers whose UDP threads relay to a scripted upstream, and clients that look at the octets of their replies. */
import { createSocket } from 'node:dgram'
import { on, once } from 'node:events'
import type { Message } from '../../../src/dns/message.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { encodeMessage } from '../../../src/dns/wire.ts'
import { type LoopbackServer, startLoopbackServer } from '../../support/loopback-server.ts'
import { until } from '../../support/until.ts'

/** A query with a random ID. */
export function queryOf(name: string, type: number, change: Partial<Message> = {}): Uint8Array {
  return encodeMessage({ ...queryMessage(name, type, true), ...change }, { limit: 0xffff })
}

/**
 * Asks from a socket of its own, at the address `from`; gives the reply's octets. The socket is connected, and the ID must be the query's: what
 * others on this machine have sent to the port before is no reply.
 */
export async function ask(port: number, query: Uint8Array, from = '127.0.0.1'): Promise<Uint8Array> {
  const socket = createSocket('udp4')
  try {
    socket.bind(0, from)
    await once(socket, 'listening')
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    socket.send(query)
    for await (const [reply] of on(socket, 'message') as AsyncIterable<[Buffer]>)
      if (reply[0] === query[0] && reply[1] === query[1]) return reply
    throw new Error('the socket has been closed')
  } finally {
    socket.close()
  }
}

/** A server that relays: its threads have got their tables when this resolves. `example.` is the upstream's. */
export async function startRelaying(corefile: (port: number) => string): Promise<LoopbackServer> {
  const server = await startLoopbackServer(corefile)
  await untilRelaying(server)
  return server
}

/** Waits until the threads relay: a name that was never asked before is answered without the chain. */
export async function untilRelaying(server: LoopbackServer): Promise<void> {
  let probes = 0
  await until(async () => {
    const before = await server.metric('slicedns_relayed_total')
    await ask(server.port, queryOf(`probe-${probes++}.example.`, 1))
    if ((await server.metric('slicedns_relayed_total')) === before) throw new Error('the threads do not relay yet')
  })
}
