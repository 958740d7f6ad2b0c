/** Asks the same questions again and again, each one as soon as it has its reply and a pause, and keeps every answer. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { question } from '../question.ts'
import { type ReadReply, readReply } from './reply.ts'

/** Equal answers in a row. Times: performance.now. */
export interface Answer {
  readonly rcode: number
  readonly answer: readonly string[]
  /** When the first one and the last one were asked for. */
  readonly firstAskedAt: number
  readonly lastAskedAt: number
  readonly count: number
}

export interface Asker {
  /** `NAME TYPE`; each is asked in a row of its own. Asked already: nothing changes. */
  ask(question: string): void
  answers(question: string): readonly Answer[]
  readonly questions: Iterable<string>
  /** Queries without a reply. */
  lost(): number
  /** Resolves when the last reply is there. Safe to call twice. */
  stop(): Promise<void>
}

/** Milliseconds after which a query is lost: what resolvers wait. */
const patience = 5000

export interface Client {
  /** Undefined: no reply in time. */
  exchange(question: string): Promise<ReadReply | undefined>
  close(): void
}

export async function openClient(port: number): Promise<Client> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const waiting = new Map<number, (reply: ReadReply | undefined) => void>()
  socket.on('message', (message: Buffer) => {
    const reply = readReply(message)
    waiting.get(reply.id)?.(reply)
  })
  // Nobody listens: the query is lost.
  socket.on('error', () => undefined)
  let lastId = 0
  return {
    async exchange(text) {
      lastId = (lastId + 1) & 0xffff
      const id = lastId
      const { promise, resolve } = Promise.withResolvers<ReadReply | undefined>()
      waiting.set(id, resolve)
      const timer = setTimeout(() => resolve(undefined), patience)
      socket.send(question(text, id))
      const reply = await promise
      clearTimeout(timer)
      waiting.delete(id)
      return reply
    },
    close: () => void socket.close(),
  }
}

/** `pause`: milliseconds between a reply and the next query. */
export async function startAsker(port: number, pause: number): Promise<Asker> {
  const client = await openClient(port)
  const rows = new Map<string, Answer[]>()
  const running: Promise<void>[] = []
  let stopped = false
  let lost = 0

  async function row(text: string, answers: Answer[]): Promise<void> {
    while (!stopped) {
      const askedAt = performance.now()
      const reply = await client.exchange(text)
      if (reply === undefined) lost++
      else keep(answers, reply, askedAt)
      await delay(pause)
    }
  }
  return {
    ask(text) {
      if (rows.has(text)) return
      const answers: Answer[] = []
      rows.set(text, answers)
      running.push(row(text, answers))
    },
    answers: (text) => rows.get(text) ?? [],
    get questions() {
      return rows.keys()
    },
    lost: () => lost,
    async stop() {
      if (stopped) return
      stopped = true
      await Promise.all(running)
      client.close()
    },
  }
}

function keep(answers: Answer[], { rcode, answer }: ReadReply, askedAt: number): void {
  const last = answers.at(-1)
  if (last?.rcode === rcode && last.answer.join() === answer.join())
    answers[answers.length - 1] = { ...last, lastAskedAt: askedAt, count: last.count + 1 }
  else answers.push({ rcode, answer, firstAskedAt: askedAt, lastAskedAt: askedAt, count: 1 })
}
