/** Ports that nobody uses at the moment, on either family, for UDP and TCP alike. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Below Linux's ephemeral ports (32768 and up): the system gives those to every outgoing socket of every other test
 * between our look and the server's bind.
 */
const lowest = 10_000
const highest = 32_000
/** `fetch` refuses it: Fetch Standard, "port blocking". */
const blocked = 10_080

/** Never gives a port twice, neither within this process nor to two of those whose tests run at the same time. */
const given = new Set<number>()

export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (
      port === blocked ||
      given.has(port) ||
      !(await reserved(port)) ||
      !(await tcpIsFree(port)) ||
      !(await udpIsFree(port))
    )
      continue
    given.add(port)
    return port
  }
  throw new Error('no port is free for both UDP and TCP')
}

/**
 * What is to listen there may take seconds to start: until this process ends, an abstract socket (unix(7)) with the port's number
 * tells the others that it is taken.
 */
async function reserved(port: number): Promise<boolean> {
  return process.platform !== 'linux' || (await listens(createServer().unref(), `\0slicedns-test-port-${port}`))
}

async function tcpIsFree(port: number): Promise<boolean> {
  const server = createServer()
  if (!(await listens(server, port))) return false
  server.close()
  await once(server, 'close')
  return true
}

async function listens(server: Server, where: number | string): Promise<boolean> {
  try {
    server.listen(where)
    await once(server, 'listening')
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
