/**
 * How far a UDP thread is behind on a socket. Queries for cluster and outside names wait in one queue of the kernel, and an
 * outside name costs ten times as much: a thread that is behind sheds those, so that the others neither wait nor are lost
 * when the queue is full. Measured by what the kernel has queued and the thread's pace; nothing is measured until
 * several full batches came in a row, and a batch that is not full says that the queue is empty. The pace is of processor
 * time: a thread that did not get to run finds a queue, too, but has time for all that is in it.
 *
 * A reply of 64 KB costs as much as thirty small ones. Where most octets go into such replies a thread that is behind cuts them:
 * a server may send less than the client takes (RFC 9715 §3.1), who asks again over TCP.
 */
import { batchSize } from './batch.ts'

/** What the kernel has queued for a socket, and its room, in octets of its own memory; undefined: unknown. */
export type ReadQueue = () => { readonly used: number; readonly room: number } | undefined

export interface Backlog {
  /** A batch has come. */
  received(messages: number): void
  /** The thread is behind: outside names of clients that send most of them are shed, unless they are few. */
  behind(): boolean
  /** So few outside names have come since the last look that they are not why the thread is behind. Counts the one that is asked about. */
  areFew(): boolean
  /** The thread is behind, and not with few of them. */
  behindWithOutside(): boolean
  /** Of the others, once the thread is far behind, all but some. Counts the one that is asked about. */
  admits(): boolean
  /** A reply of so many octets goes out. */
  replied(octets: number): void
  /** The thread is behind with large replies: those of the batch that has come have at most `cutTo` octets. */
  cuts(): boolean
}

/** Whose outside names are shed: nobody's, those of clients that send most of them, or all. */
type Shedding = 'none' | 'heaviest' | 'all'

/** Full batches between two looks at the queue. */
const batchesPerLook = 2
/**
 * What a query takes of the kernel's buffer: between the 768 octets of a small datagram of the loopback and the 4 KiB of
 * drivers that fill pages.
 */
const queuedOctets = 2048
/** Milliseconds of work that lie before the last query of the queue if none were shed, and the part of the room that is taken. */
const from = {
  heaviest: { wait: 10, fill: 1 / 2 },
  all: { wait: 40, fill: 7 / 8 },
  /** Below both nothing is shed any more. */
  none: { wait: 2.5, fill: 1 / 8 },
} as const

/**
 * Outside names that are not shed between two looks, however far the thread is behind: a client among many that asks now
 * and then has its answer. They take a third of the time at most.
 */
const admittedPerLook = (batchesPerLook * batchSize) / 16

/** Outside names between two looks that are few, whoever has sent them. They take a quarter of the time at most. */
const few = (batchesPerLook * batchSize) / 32

/** Octets that no network fragments. */
export const cutTo = 1232

/** `busy`: milliseconds of processor time that the thread has had. */
export function createBacklog(readQueue: ReadQueue, busy: () => number): Backlog {
  let shedding: Shedding = 'none'
  let fullBatches = 0
  let busyBefore = 0
  /** Milliseconds of work for a query while none are shed. */
  let pace = 0
  let admitted = 0
  /** Outside names while the thread is behind, since the last look and between the two before it. */
  let outside = 0
  let outsideBefore = 0
  /** Of the replies since the last batch came. */
  let replies = 0
  let replyOctets = 0
  let cutting = false

  function look(busyNow: number): Shedding {
    const queue = readQueue()
    if (queue === undefined) return 'none'
    if (shedding === 'none') pace = (busyNow - busyBefore) / (batchesPerLook * batchSize)
    const wait = (queue.used / queuedOctets) * pace
    const fill = queue.used / queue.room
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
