/** Proxies for tests: HTTP CONNECT and SOCKS 5, with or without a password, that note where they were asked to go. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface TestProxy {
  readonly port: number
  /** `host:port` of each tunnel. */
  readonly tunnels: readonly string[]
  stop(): void
}

export async function startConnectProxy(credentials?: string): Promise<TestProxy> {
  return startProxy((socket, open) => {
    socket.once('data', (head: Buffer) => {
      const [, target] = /^CONNECT (\S+) HTTP\/1\.1\r\n/.exec(head.toString('latin1')) ?? []
      const wanted = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`
      if (target === undefined) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      else if (wanted && !head.includes(wanted)) socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
      else open(target, () => socket.write('HTTP/1.1 200 Connection established\r\n\r\n'))
    })
  })
}

export async function startSocksProxy(user?: string, password?: string): Promise<TestProxy> {
  return startProxy((socket, open) => {
    const request = (bytes: Buffer): void => {
      const length = bytes[4]
      const host = bytes.subarray(5, 5 + length).toString()
      open(`${host}:${bytes.readUInt16BE(5 + length)}`, () => socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])))
    }
    socket.once('data', () => {
      socket.write(Buffer.of(5, user === undefined ? 0 : 2))
      if (user === undefined) return void socket.once('data', request)
      socket.once('data', (login: Buffer) => {
        const good = login.subarray(2, 2 + login[1]).toString() === user && login.toString().endsWith(password ?? '')
        socket.write(Buffer.of(1, good ? 0 : 1))
        socket.once('data', request)
      })
    })
  })
}

async function startProxy(
  serve: (socket: Socket, open: (target: string, opened: () => void) => void) => void,
): Promise<TestProxy> {
  const tunnels: string[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  }
  const server = createServer((socket) => {
    keep(socket)
    serve(socket, (target, opened) => {
      tunnels.push(target)
      const at = target.lastIndexOf(':')
      const outer = connect(Number(target.slice(at + 1)), target.slice(0, at), () => {
        opened()
        socket.pipe(outer)
        outer.pipe(socket)
      })
      keep(outer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    tunnels,
    stop() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
