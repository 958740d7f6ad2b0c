/** A client that asks all the time over UDP, twice where it hears nothing, as resolvers do. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { parseMessage } from '../../src/dns/wire.ts'
import { question } from '../support/question.ts'
import { readA } from '../support/record.ts'

export interface Heard {
  readonly name: string
  readonly sentAt: number
  readonly heardAt: number
  readonly rcode: number
  /** A records. */
  readonly addresses: readonly string[]
}

export interface Asker {
  ask(name: string): void
  /** Questions without an answer so far. */
  readonly open: number
  close(): void
}

export interface AskerOptions {
  readonly heard: (answer: Heard) => void
  readonly missing: (name: string, sentAt: number) => void
  /** The time of the test, in milliseconds. */
  readonly now: () => number
}

/** Milliseconds: until a question is asked again, and until it counts as unanswered. */
const tries = [2_000, 8_000]
const sweepEvery = 100

export async function openAsker(port: number, { heard, missing, now }: AskerOptions): Promise<Asker> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // A port that is closed for a moment, while a process is replaced.
  socket.on('error', () => undefined)
  const open = new Map<number, { name: string; sentAt: number; tries: number }>()
  let id = 0

  const send = (key: number, name: string): void => socket.send(question(`${name} A`, key), () => undefined)

  socket.on('message', (octets: Buffer) => {
    const { id: key, rcode, answer } = parseMessage(octets)
    const asked = open.get(key)
    if (asked === undefined) return
    open.delete(key)
    const addresses = answer.filter(({ type }) => type === 1).map(({ rdata }) => readA(rdata))
    heard({ name: asked.name, sentAt: asked.sentAt, heardAt: now(), rcode, addresses })
  })

  const sweep = setInterval(() => {
    const time = now()
    for (const [key, asked] of open) {
      if (time - asked.sentAt < tries[asked.tries]!) continue
      asked.tries++
      if (asked.tries < tries.length) send(key, asked.name)
      else {
        open.delete(key)
        missing(asked.name, asked.sentAt)
      }
    }
  }, sweepEvery)

  return {
    ask(name) {
      id = (id + 1) & 0xffff
      if (open.has(id)) return
      open.set(id, { name, sentAt: now(), tries: 0 })
      send(id, name)
    },
    get open() {
      return open.size
    },
    close() {
      clearInterval(sweep)
      socket.close()
    },
  }
}
