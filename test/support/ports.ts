/** Ports that nobody uses at the moment, on either family, for UDP and TCP alike. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below Linux's ephemeral ports (32768 and up): the system gives those to every outgoing socket of every other test
 * between our look and the server's bind.
 */
const lowest = 10_000
const highest = 32_000

/** Never gives a port twice within this process; another process may still take it, as between any two bind calls. */
const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (given.has(port) || !(await tcpIsFree(port)) || !(await udpIsFree(port))) continue
    given.add(port)
    return port
  }
  throw new Error('no port is free for both UDP and TCP')
}

async function tcpIsFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port)
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return true
  } catch {
    return false
  }
}

async function udpIsFree(port: number): Promise<boolean> {
  // Without ipv6Only this takes both families.
  const socket = createSocket('udp6')
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
