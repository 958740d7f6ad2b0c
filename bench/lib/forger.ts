/**
 * A slow upstream in a thread of its own, and the forger beside it: one socket, so that forged answers have the right sender.
 * The forger knows the question and the kernel's range of ports; he guesses port and ID. Cells of `counts`: forgerCell.
 */
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { linux, loadLibc } from '../../src/libc/libc.ts'
import { encodeSocketAddress, nameLength } from '../../src/libc/sockaddr.ts'
import { createBatch } from '../../src/transport/udp/batch.ts'
import { randomWord } from '../../src/upstream/random.ts'

export const forgerCell = { forged: 0, asked: 1, stop: 2, most: 3 } as const

export interface Forger {
  /** Forged answers sent, questions that the upstream has got, and most of them at a time for one name. */
  readonly counts: Int32Array
  stop(): Promise<void>
}

interface Settings {
  readonly port: number
  readonly counts: Int32Array
  /** Milliseconds until the upstream answers. */
  readonly delay: number
}

export const trueAddress = [192, 0, 2, 1]
export const falseAddress = [203, 0, 113, 66]
/** net.ipv4.ip_local_port_range by default. */
const firstPort = 32_768
const ports = 28_232

export function startForger(port: number, delay: number): Forger {
  const counts = new Int32Array(new SharedArrayBuffer(16))
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, counts, delay } satisfies Settings })
  const ended = new Promise((resolve) => worker.on('exit', resolve))
  worker.on('error', (error) => console.error(error))
  return {
    counts,
    async stop() {
      Atomics.store(counts, forgerCell.stop, 1)
      await ended
    },
  }
}

interface Waiting {
  readonly due: number
  readonly name: Uint8Array
  readonly question: Uint8Array
}

function forge({ port, counts, delay }: Settings): void {
  const native = loadLibc()
  const fd = native.socket(linux.AF_INET)
  if (native.bind(fd, encodeSocketAddress(native, '127.0.0.1', port)) < 0) throw new Error(`cannot bind port ${port}`)
  const batch = createBatch(native)
  const victim = encodeSocketAddress(native, '127.0.0.1', 1)
  const waiting: Waiting[] = []

  const receive = (): void => {
    const received = batch.receive(fd)
    for (let i = 0; i < received; i++) {
      batch.controlLength(i)
      const at = batch.requestAt(i)
      // Without its OPT: the record of the answer takes its place.
      const question = batch.bytes.slice(at, endOfQuestion(batch.bytes, at))
      question[11] = 0
      const name = batch.bytes.slice(batch.nameAt(i), batch.nameAt(i) + nameLength[4])
      counts[forgerCell.asked]++
      waiting.push({ due: performance.now() + delay, name, question })
      const same = waiting.filter((other) => Buffer.compare(other.question.subarray(12), question.subarray(12)) === 0)
      counts[forgerCell.most] = Math.max(counts[forgerCell.most], same.length)
    }
  }

  const answer = (name: Uint8Array, question: Uint8Array, address: readonly number[], id: number): void => {
    const { bytes } = batch
    const at = batch.replyAt()
    bytes.set(question, at)
    if (id >= 0) {
      bytes[at] = id >> 8
      bytes[at + 1] = id
    }
    bytes[at + 2] = 0x81
    bytes[at + 3] = 0x80
    bytes[at + 7] = 1
    bytes.set([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address], at + question.length)
    const i = batch.queued()
    bytes.set(name, batch.nameAt(i))
    batch.queue(i, question.length + 16, nameLength[4], 0)
  }

  while (Atomics.load(counts, forgerCell.stop) === 0) {
    receive()
    while (waiting.length > 0 && waiting[0].due <= performance.now()) {
      const { name, question } = waiting.shift()!
      if (batch.full()) batch.flush(fd)
      answer(name, question, trueAddress, -1)
    }
    batch.flush(fd)
    const target = waiting.at(-1)
    if (target === undefined) continue
    while (!batch.full()) {
      const word = randomWord()
      const port = firstPort + (randomWord() % ports)
      victim[2] = port >> 8
      victim[3] = port
      answer(victim, target.question, falseAddress, word & 0xffff)
      counts[forgerCell.forged]++
    }
    batch.flush(fd)
  }
  native.close(fd)
}

function endOfQuestion(bytes: Uint8Array, message: number): number {
  let at = message + 12
  while (bytes[at] !== 0) at += bytes[at] + 1
  return at + 5
}

if (!isMainThread) forge(workerData)
