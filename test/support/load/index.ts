/**
 * A client in a thread of its own that sends at its rate whatever the server does (no window, no waiting), by the batches
 * of the server's own sockets: several hundred thousand queries a second on one core. What it counts is read at any time.
 */
import { Worker } from 'node:worker_threads'

export interface LoadSettings {
  readonly port: number
  /** The client's address, of 127.0.0.0/8. */
  readonly from: string
  /** Queries a second; Infinity: as many as the core sends. */
  readonly perSecond: number
  readonly type: string
  /**
   * `names`: asked for in turn. `below`: a name of sixteen random letters below it, each asked for once.
   */
  readonly ask: { readonly names: readonly string[] } | { readonly below: string }
}

export interface LoadCounts {
  readonly sent: number
  /** Replies with an answer; SERVFAIL; with another rcode, or without an answer. */
  readonly answered: number
  readonly servfail: number
  readonly other: number
  /** Of the replies with SERVFAIL: with extended DNS error 23 (RFC 8914 §4.24). */
  readonly explained: number
  /** Milliseconds below which this part of the replies came (0.99), to a tenth of a power of ten; since `forget`. */
  latency(part: number): number
}

export interface LoadThread {
  counts(): LoadCounts
  /** Forgets the latencies so far. */
  forget(): void
  /** Sends no more; replies are still taken. */
  pause(): void
  /** Sends no more, waits for replies for `patience` milliseconds, and gives what was counted. */
  stop(patience?: number): Promise<LoadCounts>
}

/** Cells of the memory that the thread writes. */
export const loadCell = {
  stop: 0,
  sent: 1,
  answered: 2,
  servfail: 3,
  other: 4,
  explained: 5,
  patience: 6,
  paused: 7,
  buckets: 8,
}
/** Buckets of latencies, twenty for a power of ten, from 0.01 ms on. */
export const loadBuckets = 140
export const bucketsPerPower = 20

export async function startLoad(settings: LoadSettings): Promise<LoadThread> {
  const cells = new Int32Array(new SharedArrayBuffer(4 * (loadCell.buckets + loadBuckets)))
  const worker = new Worker(new URL('./thread.ts', import.meta.url), { workerData: { settings, cells } })
  const ended = new Promise<void>((resolve, reject) => {
    worker.on('exit', () => resolve())
    worker.on('error', reject)
  })
  ended.catch(() => undefined)
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
  })
  const counts = (): LoadCounts => {
    const copy = cells.slice()
    return {
      sent: copy[loadCell.sent],
      answered: copy[loadCell.answered],
      servfail: copy[loadCell.servfail],
      other: copy[loadCell.other],
      explained: copy[loadCell.explained],
      latency: (part) => latencyOf(copy.subarray(loadCell.buckets), part),
    }
  }
  return {
    counts,
    forget: () => void cells.fill(0, loadCell.buckets),
    pause: () => void Atomics.store(cells, loadCell.paused, 1),
    async stop(patience = 1000) {
      Atomics.store(cells, loadCell.patience, patience)
      Atomics.store(cells, loadCell.stop, 1)
      await ended
      return counts()
    },
  }
}

function latencyOf(buckets: Int32Array, part: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (let i = 0; i < buckets.length; i++) {
    seen += buckets[i]
    if (seen >= total * part && seen > 0) return 0.01 * 10 ** ((i + 1) / bucketsPerPower)
  }
  return Number.NaN
}
