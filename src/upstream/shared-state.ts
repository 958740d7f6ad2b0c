/**
 * State of one upstream shared by the main thread and the UDP threads. The main thread decides about its health; any thread
 * that measures response times writes the hedge delay; each thread has its own row of counters.
 *
 * Memory: word 0 is 1 while the upstream is suspected or down; octet 8 is the hedge delay (f64, milliseconds). Thread N's
 * row of f64 cells begins at 64 + N × rowBytes: questions sent on a socket that was open already, and on a fresh one; then
 * for NOERROR and for NXDOMAIN a histogram of seconds to the answer (a count for each bucket, +Inf, and the sum).
 */
import { rcode } from '../dns/codes.ts'
import { durationBuckets } from '../telemetry/query-buckets.ts'
import { firstHedgeDelay } from './hedge-delay.ts'

/** Threads beyond this number do not relay. */
export const mostRelayThreads = 64

const headerBytes = 64
const blockedWord = 0
const delayCell = 1
const histogramCells = durationBuckets.length + 2
const rowCells = 2 + 2 * histogramCells
const rcodes = [rcode.NOERROR, rcode.NXDOMAIN] as const
const bounds = Float64Array.from(durationBuckets)

export function createSharedState(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(headerBytes + mostRelayThreads * rowCells * 8)
  new Float64Array(memory)[delayCell] = firstHedgeDelay
  return memory
}

export interface HealthCell {
  /** While blocked, UDP threads leave questions to the chain, which decides whether to ask the upstream. */
  block(blocked: boolean): void
  blocked(): boolean
}

export function healthCell(memory: SharedArrayBuffer): HealthCell {
  const words = new Int32Array(memory)
  return {
    block: (blocked) => void Atomics.store(words, blockedWord, blocked ? 1 : 0),
    blocked: () => Atomics.load(words, blockedWord) !== 0,
  }
}

/** The cell for `createHedgeDelay`. */
export const delayIn = (memory: SharedArrayBuffer): Float64Array => new Float64Array(memory, delayCell * 8, 1)

export interface RelayCounts {
  sent(fresh: boolean): void
  answered(code: number, milliseconds: number): void
}

export function relayCounts(memory: SharedArrayBuffer, thread: number): RelayCounts {
  const cells = new Float64Array(memory, headerBytes + thread * rowCells * 8, rowCells)
  return {
    sent(fresh) {
      cells[fresh ? 1 : 0]++
    },
    answered(code, milliseconds) {
      const from = 2 + (code === rcode.NXDOMAIN ? histogramCells : 0)
      const seconds = milliseconds / 1000
      let bucket = 0
      while (bucket < bounds.length && seconds > bounds[bucket]) bucket++
      cells[from + bucket]++
      cells[from + histogramCells - 1] += seconds
    },
  }
}

export interface RelaySums {
  readonly hits: number
  readonly misses: number
  readonly answers: readonly { readonly rcode: number; readonly counts: readonly number[]; readonly sum: number }[]
}

/** What the threads have counted since the previous call. */
export function relayGrowth(memory: SharedArrayBuffer): () => RelaySums {
  const all = new Float64Array(memory, headerBytes)
  const before = new Float64Array(rowCells)
  return () => {
    const grown = new Float64Array(rowCells)
    for (let i = 0; i < all.length; i++) grown[i % rowCells] += all[i]
    for (let i = 0; i < rowCells; i++) {
      const total = grown[i]
      grown[i] -= before[i]
      before[i] = total
    }
    const answers = rcodes.map((code, i) => {
      const from = 2 + i * histogramCells
      const counts = Array.from(grown.subarray(from, from + histogramCells - 1))
      return { rcode: code, counts, sum: grown[from + histogramCells - 1] }
    })
    return { hits: grown[0], misses: grown[1], answers }
  }
}
