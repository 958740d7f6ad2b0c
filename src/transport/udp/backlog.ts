/**
 * How far a UDP thread is behind on a socket. Queries for cluster and outside names share one kernel queue, and an outside
 * name costs ten times as much: a thread that is behind sheds outside names, so that cluster names neither wait nor are lost
 * when the queue is full. It is computed from the kernel's queue and the thread's pace, but only after several full batches
 * in a row: a batch that is not full shows that the queue is empty. The pace is in processor time: a thread that did not get
 * to run also finds a queue, but has time for everything in it.
 *
 * A reply of 64 KB costs as much as thirty small ones. If such replies make up most octets, a thread that is behind truncates
 * them: a server may send less than the client accepts (RFC 9715 §3.1), and the client retries over TCP.
 */
import { batchSize } from './batch.ts'

/** Used and total octets of kernel memory of a socket's receive queue; undefined: unknown. */
export type ReadQueue = () => { readonly used: number; readonly capacity: number } | undefined

export interface Backlog {
  /** A batch was received. */
  received(messages: number): void
  /** Whether the thread is behind: outside names of clients that send most of them are then shed, unless they are few. */
  behind(): boolean
  /** Whether outside names since the last check are too few to be why the thread is behind. Counts this one. */
  areFew(): boolean
  /** The thread is behind, and outside names are not few. */
  behindWithOutside(): boolean
  /** Whether an outside name of another client is admitted: only some are once the thread is far behind. Counts this one. */
  admits(): boolean
  /** A reply of so many octets is sent. */
  replied(octets: number): void
  /** Whether the thread is behind because of large replies: those to the current batch then have at most `cutTo` octets. */
  cuts(): boolean
}

/** Whose outside names are shed: nobody's, those of clients that send most of them, or everybody's. */
type Shedding = 'none' | 'heaviest' | 'all'

/** Full batches between two checks of the queue. */
const batchesPerLook = 2
/**
 * Kernel memory per queued query, estimated: between the 768 octets of a small datagram on the loopback and the 4 KiB of
 * drivers that fill pages.
 */
const queuedOctets = 2048
/** Thresholds: milliseconds of queued work if none were shed, and the used part of the queue. */
const from = {
  heaviest: { wait: 10, fill: 1 / 2 },
  all: { wait: 40, fill: 7 / 8 },
  /** Shedding ends when both are below these. */
  none: { wait: 2.5, fill: 1 / 8 },
} as const

/**
 * Outside names admitted between two checks, however far the thread is behind: a client that asks occasionally gets its
 * answer even beside many others. They take at most a third of the time.
 */
const admittedPerLook = (batchesPerLook * batchSize) / 16

/** Outside names between two checks that count as few, whoever sent them. They take at most a quarter of the time. */
const few = (batchesPerLook * batchSize) / 32

/** Octets that no network fragments. */
export const cutTo = 1232

/** `busy`: milliseconds of processor time used by the thread. */
export function createBacklog(readQueue: ReadQueue, busy: () => number): Backlog {
  let shedding: Shedding = 'none'
  let fullBatches = 0
  let busyBefore = 0
  /** Milliseconds of work per query while none are shed. */
  let pace = 0
  let admitted = 0
  /** Outside names received while behind: since the last check, and between the two checks before it. */
  let outside = 0
  let outsideBefore = 0
  /** Replies since the last batch, and their octets. */
  let replies = 0
  let replyOctets = 0
  let cutting = false

  function look(busyNow: number): Shedding {
    const queue = readQueue()
    if (queue === undefined) return 'none'
    if (shedding === 'none') pace = (busyNow - busyBefore) / (batchesPerLook * batchSize)
    const wait = (queue.used / queuedOctets) * pace
    const fill = queue.used / queue.capacity
    const past = ({ wait: longest, fill: fullest }: { wait: number; fill: number }) => wait > longest || fill > fullest
    if (past(from.all)) return 'all'
    if (past(from.heaviest)) return 'heaviest'
    return past(from.none) ? shedding : 'none'
  }

  return {
    received(messages) {
      if (messages < batchSize) {
        fullBatches = 0
        shedding = 'none'
      } else if (fullBatches === 0) {
        fullBatches = 1
        busyBefore = busy()
      } else if (++fullBatches > batchesPerLook) {
        const busyNow = busy()
        shedding = look(busyNow)
        admitted = 0
        outsideBefore = outside
        outside = 0
        fullBatches = 1
        busyBefore = busyNow
      }
      // Replies that are cut say nothing of how large they would be.
      cutting = shedding !== 'none' && (cutting || replyOctets > replies * cutTo)
      replies = 0
      replyOctets = 0
    },
    behind: () => shedding !== 'none',
    areFew: () => ++outside <= few,
    behindWithOutside: () => shedding !== 'none' && Math.max(outside, outsideBefore) > few,
    admits: () => shedding !== 'all' || ++admitted <= admittedPerLook,
    replied(octets) {
      replies++
      replyOctets += octets
    },
    cuts: () => cutting,
  }
}
