/** The thread of `startLoad`: one socket, one batch to send and one to receive. */
import { parentPort, workerData } from 'node:worker_threads'
import { typeNumber } from '../../../src/dns/codes.ts'
import { linux, loadLibc } from '../../../src/libc/libc.ts'
import { encodeSocketAddress, nameLength } from '../../../src/libc/sockaddr.ts'
import { createBatch } from '../../../src/transport/udp/batch.ts'
import { randomWord } from '../../../src/upstream/random.ts'
import { nameOctets } from '../../hostile/datagrams.ts'
import { bucketsPerPower, type LoadSettings, loadBuckets, loadCell } from './index.ts'

const { settings, cells }: { readonly settings: LoadSettings; readonly cells: Int32Array } = workerData
const batchSize = 64
const native = loadLibc()
const out = createBatch(native)
const received = createBatch(native)
const fd = native.socket(linux.AF_INET)
native.setOption(fd, linux.SOL_SOCKET, linux.SO_RCVBUFFORCE, 16 << 20)
if (native.bind(fd, encodeSocketAddress(native, settings.from, 0)) < 0)
  throw new Error(`cannot send from ${settings.from}`)
const server = encodeSocketAddress(native, '127.0.0.1', settings.port)
for (let i = 0; i < batchSize; i++) out.bytes.set(server, out.nameAt(i))

const randomLetters = 16
const messages = messagesOf(settings)
const random = 'below' in settings.ask
/** When the query of an ID was sent; 0: it has its reply. */
const sentAt = new Float64Array(65_536)
let sent = 0

const began = now()
parentPort!.postMessage('sending')
while (Atomics.load(cells, loadCell.stop) === 0) {
  const due = dueNow()
  const count = Math.min(batchSize, Math.floor(due) - sent)
  for (let i = 0; i < count; i++) write()
  if (count > 0) {
    out.flush(fd)
    Atomics.store(cells, loadCell.sent, sent)
  }
  const came = receive()
  if (count < batchSize && came === 0) wait(1)
}
for (const end = now() + Atomics.load(cells, loadCell.patience); now() < end && outstanding(); )
  if (receive() === 0) wait(1)
native.close(fd)

/** Queries that are to be sent by now. */
function dueNow(): number {
  if (Atomics.load(cells, loadCell.paused) === 1) return sent
  if (settings.perSecond === Number.POSITIVE_INFINITY) return sent + batchSize
  return ((now() - began) / 1000) * settings.perSecond
}

function now(): number {
  return performance.now()
}

/** Milliseconds, or until something comes. */
function wait(milliseconds: number): void {
  native.poll(Int32Array.of(fd, linux.POLLIN), 1, milliseconds)
}

function outstanding(): boolean {
  const { answered, servfail, other } = loadCell
  return cells[answered] + cells[servfail] + cells[other] < sent
}

function messagesOf({ type, ask }: LoadSettings): Uint8Array[] {
  const names = 'below' in ask ? [`${'x'.repeat(randomLetters)}.${ask.below}`] : ask.names
  const opt = Buffer.from('0000290fa0000000000000', 'hex')
  return names.map((name) => {
    const head = Buffer.from('000001000001000000000001', 'hex')
    return Buffer.concat([head, nameOctets(name), Buffer.of(0, typeNumber(type)!, 0, 1), opt])
  })
}

function write(): void {
  const message = messages[sent % messages.length]
  const { bytes } = out
  const at = out.replyAt()
  for (let i = 0; i < message.length; i++) bytes[at + i] = message[i]
  const id = sent & 0xffff
  bytes[at] = id >> 8
  bytes[at + 1] = id
  if (random)
    for (let i = 0; i < randomLetters; i += 4) {
      const word = randomWord()
      for (let k = 0; k < 4; k++) bytes[at + 13 + i + k] = 97 + (((word >>> (8 * k)) & 255) % 26)
    }
  if (!random) sentAt[id] = now()
  out.queue(out.queued(), message.length, nameLength[4], 0)
  sent++
}

function receive(): number {
  const count = received.receive(fd)
  const at = now()
  for (let i = 0; i < count; i++) {
    received.controlLength(i)
    take(received.requestAt(i), received.requestLength(i), at)
  }
  return Math.max(0, count)
}

function take(at: number, length: number, time: number): void {
  const { bytes } = received
  if (length < 12) return
  // A flood is faster than its IDs come round: it is counted without.
  if (!random) takeLatency((bytes[at] << 8) | bytes[at + 1], time)
  const rcode = bytes[at + 3] & 15
  const answers = (bytes[at + 6] << 8) | bytes[at + 7]
  if (rcode === 0 && answers > 0) cells[loadCell.answered]++
  else if (rcode === 2) {
    cells[loadCell.servfail]++
    if (isExplained(bytes, at, length)) cells[loadCell.explained]++
  } else cells[loadCell.other]++
}

/** Not of a reply that comes after its ID has come round. */
function takeLatency(id: number, time: number): void {
  if (sentAt[id] === 0) return
  const milliseconds = time - sentAt[id]
  sentAt[id] = 0
  const bucket = Math.ceil(Math.log10(Math.max(milliseconds, 0.01) / 0.01) * bucketsPerPower)
  cells[loadCell.buckets + Math.min(loadBuckets - 1, bucket)]++
}

/** The message ends with an OPT record whose last option is an extended error (15) with the code 23 and no text. */
function isExplained(bytes: Uint8Array, at: number, length: number): boolean {
  const end = at + length
  return bytes[end - 6] === 0 && bytes[end - 5] === 15 && bytes[end - 3] === 2 && bytes[end - 1] === 23
}
