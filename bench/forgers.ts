/**
 * Claim: 10 million forged answers against a slow upstream, and as many with 1,000 questions for one name in flight, and none
 * is taken for the upstream's. What is expected by the odds is printed beside it. The forger sends to every port of 127.0.0.1:
 * run it in a network namespace of its own (`unshare -n sh -c 'ip link set lo up; npm run bench -- forgers'`).
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { freePort } from '../test/support/ports.ts'
import { question } from '../test/support/question.ts'
import type { Context } from './lib/context.ts'
import { type Forger, falseAddress, forgerCell, startForger, trueAddress } from './lib/forger.ts'
import { table, thousands } from './lib/numbers.ts'
import { startServer, untilAnswering } from './lib/servers.ts'

const forgeries = 10_000_000
/** Milliseconds: below the time after which the server asks again. */
const delay = 900
/** IDs and ports of the kernel's range. */
const guesses = 65_536 * 28_232

export async function run({ print }: Context): Promise<void> {
  const interfaces = Object.keys(networkInterfaces())
  if (interfaces.some((name) => name !== 'lo')) throw new Error('it must run in a network namespace of its own')
  const rows: string[][] = []
  for (const clients of [1, 1000]) {
    const port = await freePort()
    const forger = startForger(port, delay)
    const server = await startServer('slicedns threads', {
      corefile: ({ dns }) => `.:${dns} {\nbind 127.0.0.1\nforward . 127.0.0.1:${port}\n}\n`,
    })
    try {
      await untilAnswering(server, 'first.example', 'A')
      const { answers, taken } = await ask(server.ports.dns, clients, forger)
      const { counts } = forger
      rows.push([
        thousands(clients),
        thousands(counts[forgerCell.forged]),
        thousands(answers),
        thousands(counts[forgerCell.asked]),
        thousands(counts[forgerCell.most]),
        thousands(taken),
        (counts[forgerCell.forged] / guesses).toFixed(4),
      ])
      if (taken > 0) throw new Error(`${taken} forged answers were taken`)
    } finally {
      await server.stop()
      await forger.stop()
    }
  }
  print(
    table(
      ['clients of a name', 'forged', 'answers', 'exchanges', 'most of a name', 'forged ones taken', 'expected'],
      rows,
    ),
  )
}

/** So many clients ask for one name at once, then for the next, until all forged answers are sent. */
async function ask(port: number, clients: number, { counts }: Forger) {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let answers = 0
  let taken = 0
  let round = 0
  try {
    while (counts[forgerCell.forged] < forgeries) {
      let left = clients
      const { promise, resolve } = Promise.withResolvers<void>()
      // A lost datagram must not end the attack.
      const limit = setTimeout(resolve, 6000)
      const count = (reply: Buffer): void => {
        if (reply.includes(Buffer.from(trueAddress))) answers++
        if (reply.includes(Buffer.from(falseAddress))) taken++
        if (--left === 0) resolve()
      }
      socket.on('message', count)
      const name = `victim${round++}.example`
      for (let i = 0; i < clients; i++) socket.send(question(`${name} A`, i & 0xffff))
      await promise
      clearTimeout(limit)
      socket.off('message', count)
    }
  } finally {
    socket.close()
  }
  return { answers, taken }
}
