/** Ports that nobody uses at the moment, on either family, for UDP and TCP alike. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Never gives a port twice within this process; another process may still take it, as between any two bind calls. */
const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = await freeTcpPort()
    if (!given.has(port) && (await udpIsFree(port))) {
      given.add(port)
      return port
    }
  }
  throw new Error('no port is free for both UDP and TCP')
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a TCP listener without a port')
  return address.port
}

async function udpIsFree(port: number): Promise<boolean> {
  const socket = createSocket('udp4')
  try {
    socket.bind(port)
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
