/**
 * Upstreams that fall silent at a word, and queries at an even pace that are timed one by one. In a process of its own, which
 * other work on the machine must not delay: what it measures would be its own wait.
 */
import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { question } from '../../test/support/question.ts'
import { otherCores, serverPriority } from './process.ts'

/** One query: milliseconds on the lab's clock, and the rcode of its reply; -1: none came. */
export interface TimedQuery {
  readonly sentAt: number
  readonly took: number
  readonly rcode: number
}

export interface UpstreamLab {
  readonly ports: readonly number[]
  /** Which upstreams do not answer from now on, by index; gives the time on the lab's clock. */
  silence(upstreams: readonly number[]): Promise<number>
  /** Sends `perSecond` queries a second for the names `PREFIX-N.example.`, N below `names`; gives their times at the end. */
  offer(load: PacedLoad): Promise<readonly TimedQuery[]>
  stop(): Promise<void>
}

export interface PacedLoad {
  readonly port: number
  readonly perSecond: number
  readonly seconds: number
  readonly prefix: string
  readonly names: number
}

type Order =
  | { readonly kind: 'silence'; readonly upstreams: readonly number[] }
  | ({ readonly kind: 'offer' } & PacedLoad)

/** Seconds: shorter than `cache` keeps anything, which then decides by itself. */
const ttl = 1
/** Milliseconds that a query without a reply is waited for. */
const patience = 6000

export async function startUpstreamLab(upstreams: number): Promise<UpstreamLab> {
  const [command, ...args] = [...serverPriority, 'taskset', '-c', otherCores, process.execPath]
  const child = spawn(command!, [...args, fileURLToPath(import.meta.url), String(upstreams)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [ports] = await once(child, 'message')
  const waiting: ((result: never) => void)[] = []
  child.on('message', ({ number, result }: { number: number; result: never }) => waiting[number]!(result))
  const obey = <Result>(order: Order): Promise<Result> =>
    new Promise((resolve) => child.send({ number: waiting.push(resolve) - 1, order }))
  return {
    ports,
    silence: (silent) => obey({ kind: 'silence', upstreams: silent }),
    offer: (load) => obey({ kind: 'offer', ...load }),
    async stop() {
      const exited = once(child, 'exit')
      child.kill()
      await exited
    },
  }
}

async function serve(upstreams: number): Promise<void> {
  const silent = new Set<number>()
  const sockets = await Promise.all(Array.from({ length: upstreams }, (_, i) => openUpstream(() => silent.has(i))))
  process.on('message', ({ number, order }: { number: number; order: Order }) => {
    if (order.kind === 'offer') offerPaced(order).then((result) => process.send!({ number, result }))
    else {
      silent.clear()
      for (const upstream of order.upstreams) silent.add(upstream)
      process.send!({ number, result: performance.now() })
    }
  })
  process.on('disconnect', () => process.exit())
  process.send!(sockets.map((socket) => socket.address().port))
}

/** Whatever is asked has one address. */
async function openUpstream(isSilent: () => boolean): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  const record = Buffer.of(0xc0, 12, 0, 1, 0, 1, 0, 0, 0, ttl, 0, 4, 192, 0, 2, 1)
  socket.on('message', (request, { port, address }) => {
    if (isSilent()) return
    let end = 12
    while (request[end] !== 0) end += request[end]! + 1
    const header = Buffer.from(request.subarray(0, 12))
    header.writeUInt16BE(0x8180, 2)
    header.writeUInt16BE(1, 6)
    header.writeUInt16BE(0, 10)
    socket.send([header, request.subarray(12, end + 5), record], port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return socket
}

async function offerPaced({ port, perSecond, seconds, prefix, names }: PacedLoad): Promise<TimedQuery[]> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  const all: { sentAt: number; took: number; rcode: number }[] = []
  // By the ID that it was sent under, which is drawn again after 65,536 queries: longer than the patience.
  const waiting: (number | undefined)[] = []
  socket.on('message', (reply) => {
    const query = waiting[reply.readUInt16BE(0)]
    if (query === undefined) return
    waiting[reply.readUInt16BE(0)] = undefined
    all[query]!.took = performance.now() - all[query]!.sentAt
    all[query]!.rcode = reply[3]! & 15
  })
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const begin = performance.now()
  const total = perSecond * seconds
  while (all.length < total) {
    const due = Math.min(total, ((performance.now() - begin) * perSecond) / 1000)
    while (all.length < due) {
      const id = all.length & 0xffff
      waiting[id] = all.length
      socket.send(question(`${prefix}-${all.length % names}.example A`, id))
      all.push({ sentAt: performance.now(), took: Number.NaN, rcode: -1 })
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  const end = performance.now() + patience
  while (waiting.some((query) => query !== undefined) && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 50))
  socket.close()
  return all
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await serve(Number(process.argv[2]))
