/** A client that asks all the time over UDP, twice where it hears nothing, as resolvers do; over TCP where an answer is truncated. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { parseMessage } from '../../src/dns/wire.ts'
import { question } from '../support/question.ts'
import { readA } from '../support/record.ts'
import { askByTcp } from './tcp-question.ts'

export interface Heard {
  readonly name: string
  readonly sentAt: number
  readonly heardAt: number
  /** The same in milliseconds of `performance`, which do not wait for the test. */
  readonly asked: number
  readonly answered: number
  readonly rcode: number
  /** A records. */
  readonly addresses: readonly string[]
  /** Seconds, the longest of the records. */
  readonly ttl: number
  /** It was asked in a documented window. */
  readonly isExcused: boolean
}

export interface Asker {
  ask(name: string): void
  /** Tries without a reply so far. */
  readonly open: number
  /** From now on replies may be missing, those to what was asked already, too: a documented window (docs/reliability.md). */
  excuse(): void
  /** Of what is asked already these names may have no reply; what is asked from now on is answered. */
  excuseOpen(isMeant: (name: string) => boolean): void
  /** The window ends: what is asked from now on is answered. */
  insist(): void
  close(): void
}

export interface AskerOptions {
  readonly heard: (answer: Heard) => void
  /** A try has no reply, outside of every window. */
  readonly lost: (name: string, asked: number) => void
  /** None of its tries has a reply, and the last one should. */
  readonly missing: (name: string, asked: number) => void
  /** The time of the test, in milliseconds. */
  readonly now: () => number
}

interface Question {
  readonly name: string
  isAnswered: boolean
  isAskedAgain: boolean
}

/** Each has an ID of its own, so that one without a reply shows although the other has one. */
interface Try {
  readonly question: Question
  readonly isSecond: boolean
  readonly sentAt: number
  readonly asked: number
  isExcused: boolean
}

/** Milliseconds: until a question is asked again, and until a try counts as unanswered. */
const again = 2_000
const patience = 8_000
const sweepEvery = 100
/** Octets: the replies to all that has waited while a thread was replaced come at once, and the system's default has room for 277. */
const receiveBuffer = 4 << 20

export async function openAsker(port: number, { heard, lost, missing, now }: AskerOptions): Promise<Asker> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: receiveBuffer })
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  // A port that is closed for a moment, while a process is replaced.
  socket.on('error', () => undefined)
  const open = new Map<number, Try>()
  let id = 0
  let isExcusing = false

  function send(asked: Question, isSecond: boolean): void {
    id = (id + 1) & 0xffff
    if (open.has(id)) return
    open.set(id, { question: asked, isSecond, sentAt: now(), asked: performance.now(), isExcused: isExcusing })
    socket.send(question(`${asked.name} A`, id), () => undefined)
  }

  function hear(octets: Uint8Array, { question: { name }, sentAt, asked, isExcused }: Try): boolean {
    const { rcode, answer, truncated } = parseMessage(octets)
    if (truncated) return false
    const records = answer.filter(({ type }) => type === 1)
    const addresses = records.map(({ rdata }) => readA(rdata))
    const ttl = Math.max(0, ...records.map(({ ttl }) => ttl))
    heard({ name, sentAt, heardAt: now(), asked, answered: performance.now(), rcode, addresses, ttl, isExcused })
    return true
  }

  /** It stays open until the connection has brought the answer, or no answer. */
  async function askAgainByTcp(key: number, asked: Try): Promise<void> {
    const octets = await askByTcp(port, question(`${asked.question.name} A`, key), patience)
    if (open.get(key) !== asked || octets === undefined) return
    open.delete(key)
    asked.question.isAnswered = hear(octets, asked)
    if (!asked.question.isAnswered) missing(`${asked.question.name}, over TCP,`, asked.asked)
  }

  socket.on('message', (octets: Buffer) => {
    const key = octets.readUInt16BE(0)
    const asked = open.get(key)
    if (asked === undefined) return
    if (hear(octets, asked)) {
      open.delete(key)
      asked.question.isAnswered = true
    } else void askAgainByTcp(key, asked)
  })

  const sweep = setInterval(() => {
    const time = now()
    for (const [key, each] of open) {
      const { question, isSecond, sentAt, asked, isExcused } = each
      if (!isSecond && !question.isAskedAgain && !question.isAnswered && time - sentAt >= again) {
        question.isAskedAgain = true
        send(question, true)
      }
      if (time - sentAt < patience) continue
      open.delete(key)
      if (isExcused) continue
      lost(question.name, asked)
      if (isSecond && !question.isAnswered) missing(question.name, asked)
    }
  }, sweepEvery)

  return {
    ask: (name) => send({ name, isAnswered: false, isAskedAgain: false }, false),
    get open() {
      return open.size
    },
    excuse() {
      isExcusing = true
      for (const asked of open.values()) asked.isExcused = true
    },
    excuseOpen(isMeant) {
      for (const asked of open.values()) if (isMeant(asked.question.name)) asked.isExcused = true
    },
    insist() {
      isExcusing = false
    },
    close() {
      clearInterval(sweep)
      socket.close()
    },
  }
}
