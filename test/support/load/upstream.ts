/**
 * An upstream in a thread of its own that answers whatever it is asked with so many A records, by the batches of the
 * server's own sockets: it is not what limits a server that is flooded.
 */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { linux, loadLibc } from '../../../src/libc/libc.ts'
import { encodeSocketAddress, nameLength } from '../../../src/libc/sockaddr.ts'
import { createBatch } from '../../../src/transport/udp/batch.ts'
import { freePort } from '../ports.ts'

interface Settings {
  readonly port: number
  readonly records: number
  readonly delay: number
  readonly stop: Int32Array
}

export interface LoadUpstream {
  /** `127.0.0.1:PORT` */
  readonly to: string
  stop(): Promise<void>
}

/** `delay`: milliseconds until an answer. */
export async function startLoadUpstream({ records = 1, delay = 0 } = {}): Promise<LoadUpstream> {
  const port = await freePort()
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, records, delay, stop } satisfies Settings })
  const ended = new Promise<void>((resolve) => worker.on('exit', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  return {
    to: `127.0.0.1:${port}`,
    async stop() {
      Atomics.store(stop, 0, 1)
      await ended
    },
  }
}

interface Late {
  readonly due: number
  readonly name: Uint8Array
  readonly question: Uint8Array
}

function answer({ port, records, delay, stop }: Settings): void {
  const native = loadLibc()
  const fd = native.socket(linux.AF_INET)
  native.setOption(fd, linux.SOL_SOCKET, linux.SO_RCVBUFFORCE, 16 << 20)
  if (native.bind(fd, encodeSocketAddress(native, '127.0.0.1', port)) < 0) throw new Error(`cannot bind port ${port}`)
  const batch = createBatch(native)
  const { bytes } = batch
  const late: Late[] = []
  const polled = Int32Array.of(fd, linux.POLLIN)
  const addresses = Buffer.concat(
    Array.from({ length: records }, (_, i) =>
      Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 198, 51, 100, i & 255),
    ),
  )

  const reply = (i: number, question: Uint8Array, from: number, end: number): void => {
    if (batch.full()) batch.flush(fd)
    const at = batch.replyAt()
    bytes.set(question.subarray(from, end), at)
    bytes[at + 2] = 0x81
    bytes[at + 3] = 0x80
    bytes[at + 6] = records >> 8
    bytes[at + 7] = records
    // Without its OPT.
    bytes[at + 11] = 0
    bytes.set(addresses, at + end - from)
    batch.queue(i, end - from + addresses.length, nameLength[4], 0)
  }

  parentPort!.postMessage('listening')
  while (Atomics.load(stop, 0) === 0) {
    const received = batch.receive(fd)
    for (let i = 0; i < received; i++) {
      batch.controlLength(i)
      const at = batch.requestAt(i)
      let end = at + 12
      while (bytes[end] !== 0) end += bytes[end] + 1
      if (delay === 0) reply(i, bytes, at, end + 5)
      else
        late.push({
          due: performance.now() + delay,
          name: bytes.slice(batch.nameAt(i), batch.nameAt(i) + nameLength[4]),
          question: bytes.slice(at, end + 5),
        })
    }
    batch.flush(fd)
    let done = 0
    for (; done < late.length && late[done].due <= performance.now(); done++) {
      const { name, question } = late[done]
      if (batch.full()) batch.flush(fd)
      const i = batch.queued()
      bytes.set(name, batch.nameAt(i))
      reply(i, question, 0, question.length)
    }
    late.splice(0, done)
    batch.flush(fd)
    if (received <= 0) native.poll(polled, 1, 1)
  }
  native.close(fd)
}

if (!isMainThread && workerData.stop !== undefined) answer(workerData)
