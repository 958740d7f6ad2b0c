/** A TCP relay in front of a server, which can fall silent without closing anything: a half-open connection. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Pipe {
  readonly port: number
  /** Connections that were accepted so far. */
  readonly connections: number
  /** From now on nothing passes on the connections that stand; nobody is told. New ones work. */
  freeze(): void
  /** New connections are accepted, and nothing passes on them. */
  isMute: boolean
  stop(): Promise<void>
}

export async function startPipe(port: number): Promise<Pipe> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let connections = 0
  let isMute = false
  const server = createServer((inner) => {
    connections++
    const outer = connect(port, '127.0.0.1')
    const pair = [inner, outer] as const
    pairs.add(pair)
    for (const socket of pair) {
      socket.on('error', () => {})
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
    if (isMute) return
    inner.pipe(outer)
    outer.pipe(inner)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    get isMute() {
      return isMute
    },
    set isMute(value) {
      isMute = value
    },
    freeze() {
      for (const [inner, outer] of pairs) {
        inner.unpipe(outer)
        outer.unpipe(inner)
        inner.pause()
        outer.pause()
      }
    },
    async stop() {
      server.close()
      for (const pair of pairs) for (const socket of pair) socket.destroy()
      await once(server, 'close')
    },
  }
}
