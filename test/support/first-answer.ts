/** When a server first has an answer for a name: asked again and again, whether it replies or not. */
import { createSocket } from 'node:dgram'
import { question } from './question.ts'

export interface FirstAnswerOptions {
  readonly address?: string
  /** A reply without a record came. */
  readonly onEmpty?: () => void
}

let lastId = 0

/**
 * Resolves to the time of the first reply with a record, or to undefined at the deadline. Times as `performance.now`;
 * `every`: milliseconds between two queries, each of which also costs the server something.
 */
export async function firstAnswer(
  port: number,
  host: string,
  deadline: number,
  every: number,
  { address = '127.0.0.1', onEmpty = () => {} }: FirstAnswerOptions = {},
): Promise<number | undefined> {
  lastId = (lastId + 1) & 0xffff
  const query = question(`${host} A`, lastId)
  const socket = createSocket('udp4')
  // Nobody listens on the port yet.
  socket.on('error', () => undefined)
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  socket.on('message', (reply) => {
    if (reply.readUInt16BE(6) > 0) resolve(performance.now())
    else onEmpty()
  })
  const ask = (): void => {
    if (performance.now() > deadline) resolve(undefined)
    else socket.send(query, port, address)
  }
  const timer = setInterval(ask, every)
  ask()
  const at = await promise
  clearInterval(timer)
  socket.close()
  return at
}
