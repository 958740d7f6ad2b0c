/**
 * A steady load that counts what it loses: each client keeps so many queries under way, and asks the next when one is
 * answered. Nothing is asked twice, so a query that gets no reply is missed at the end.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { until } from '../support/until.ts'
import { plainQuery } from './datagrams.ts'
import { frame } from './streams.ts'

export interface LoadOptions {
  readonly port: number
  /** Clients ask these in turn. Default: 127.0.0.1. */
  readonly addresses?: readonly string[]
  /** UDP clients, and TCP connections that stay open all the time. */
  readonly udp?: number
  readonly tcp?: number
  /** Queries under way per client. */
  readonly window?: number
  /** Names, asked in turn for A; `*` is a number that no other query has. All must be NOERROR with an answer. */
  readonly names: readonly string[]
}

export interface Load {
  answered(): number
  /** Resolves when so many more are answered. */
  more(queries: number): Promise<void>
  /** Ends when every query under way has its reply; rejects when some never get one, or got the wrong one. */
  stop(): Promise<void>
}

/** Milliseconds without an answer, whatever the machine does, after which those that are missing are lost. */
const silence = 10_000

export async function startLoad(options: LoadOptions): Promise<Load> {
  const { port, addresses = ['127.0.0.1'], udp = 8, tcp = 0, window = 8, names } = options
  const faults: string[] = []
  let answered = 0
  let asked = 0
  let stopping = false
  const fault = (text: string) => void (faults.length < 10 && faults.push(text))

  /** Gives the next query under this ID, or nothing when the load ends. */
  function next(id: number): Buffer | undefined {
    if (stopping) return undefined
    const name = names[asked % names.length]!.replace('*', String(asked))
    asked++
    return plainQuery(id, name, 1)
  }

  function check(reply: Buffer, waiting: Map<number, Buffer>): number | undefined {
    const id = reply.readUInt16BE(0)
    const query = waiting.get(id)
    if (!query) {
      fault(`a reply that nobody waits for: ${reply.toString('hex')}`)
      return undefined
    }
    waiting.delete(id)
    answered++
    if ((reply[3]! & 15) !== 0 || reply.readUInt16BE(6) === 0)
      fault(`query ${query.toString('latin1')} has the reply ${reply.toString('hex')}`)
    return id
  }

  const clients = await Promise.all([
    ...Array.from({ length: udp }, (_, i) => udpClient(addresses[i % addresses.length]!)),
    ...Array.from({ length: tcp }, (_, i) => tcpClient(addresses[i % addresses.length]!)),
  ])

  async function udpClient(address: string) {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
    socket.connect(port, address)
    await once(socket, 'connect')
    const waiting = new Map<number, Buffer>()
    const ask = (id: number) => {
      const query = next(id)
      if (!query) return
      waiting.set(id, query)
      socket.send(query)
    }
    socket.on('error', (error) => fault(`udp ${address}: ${error.message}`))
    socket.on('message', (reply) => {
      const id = check(reply, waiting)
      if (id !== undefined) ask(id)
    })
    for (let id = 0; id < window; id++) ask(id)
    return { waiting, close: () => void socket.close() }
  }

  async function tcpClient(address: string) {
    const socket = connect(port, address)
    await once(socket, 'connect')
    const waiting = new Map<number, Buffer>()
    let closing = false
    let rest = Buffer.alloc(0)
    const ask = (id: number) => {
      const query = next(id)
      if (!query) return
      waiting.set(id, query)
      socket.write(frame(query))
    }
    socket.on('error', (error) => fault(`tcp ${address}: ${error.message}`))
    socket.on('end', () => !closing && fault(`tcp ${address}: the server has ended the connection`))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 2 && rest.length >= 2 + rest.readUInt16BE(0)) {
        const end = 2 + rest.readUInt16BE(0)
        const id = check(rest.subarray(2, end), waiting)
        rest = rest.subarray(end)
        if (id !== undefined) ask(id)
      }
    })
    for (let id = 0; id < window; id++) ask(id)
    return {
      waiting,
      close() {
        closing = true
        socket.destroy()
      },
    }
  }

  const fail = () => {
    if (faults.length > 0) throw new Error(`${faults.length} faults:\n${faults.join('\n')}`)
  }
  /** Waits for as long as answers come, however slowly: a busy machine loses nothing. */
  async function untilNoneIsLeft(left: () => string | undefined): Promise<void> {
    for (;;) {
      const before = answered
      try {
        return await until(
          () => {
            const reason = left()
            if (reason !== undefined) throw new Error(reason)
          },
          { within: silence },
        )
      } catch (error) {
        if (answered === before) throw error
      }
    }
  }

  return {
    answered: () => answered,
    async more(queries) {
      const wanted = answered + queries
      await untilNoneIsLeft(() =>
        answered < wanted ? `${wanted - answered} of ${queries} queries are still to be answered` : undefined,
      )
      fail()
    },
    async stop() {
      stopping = true
      try {
        await untilNoneIsLeft(() => {
          const left = clients.flatMap(({ waiting }) => [...waiting.values()])
          return left.length > 0 ? `${left.length} of ${asked} lost, such as ${left[0]!.toString('latin1')}` : undefined
        })
        fail()
      } finally {
        for (const client of clients) client.close()
      }
    },
  }
}
