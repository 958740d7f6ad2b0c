/** The protocol between the main thread and a UDP thread: shared cells, messages, workerData. */
import type { RelayTable } from '../../plugin/capabilities/relay.ts'
import type { TableHandle } from '../../table/api.ts'

/** A socket that a thread reads. The main thread opens and closes it. */
export interface BorrowedSocket {
  /** Unique in the process, unlike the descriptor's number, which is reused. */
  readonly id: number
  readonly fd: number
  readonly family: 4 | 6
  readonly wildcard: boolean
  /** The address that it is bound to: 4 or 16 octets, zeros for the wildcard. */
  readonly local: Uint8Array
  readonly port: number
  /** The listener's cells, shared by its sockets: see `listenerCell`. */
  readonly cells: Int32Array
  /** Retired: the thread reads it until it is empty, then reports it as drained. */
  readonly draining: boolean
}

/** Sent with postMessage. The main thread then increments `commands` and signals the eventfd, so that the thread reads it. */
export type ThreadCommand =
  | { readonly kind: 'add'; readonly socket: BorrowedSocket }
  | { readonly kind: 'drain'; readonly id: number }
  /** What is relayed for the listeners of this space; undefined: nothing. */
  | { readonly kind: 'relay'; readonly space: number; readonly table: RelayTable | undefined }
  /** The epoll set to watch for the main thread; -1: none. */
  | { readonly kind: 'watch'; readonly epoll: number }

export type ThreadReport =
  /** The thread is serving. */
  | { readonly kind: 'ready' }
  /** The socket is empty and no longer used; its last misses are in the ring. */
  | { readonly kind: 'drained'; readonly id: number }
  /** Answering a query threw; the chain was asked instead. Sent at most once a second. */
  | { readonly kind: 'failed'; readonly error: string }

export interface ThreadData {
  /** Threads are numbered from 0; a replacement has the number of the thread that died. */
  readonly number: number
  readonly table: TableHandle
  /** The reader's slot of the table's epoch protocol. */
  readonly slot: number
  readonly sockets: readonly BorrowedSocket[]
  /** Readable when the main thread has a command. */
  readonly eventfd: number
  /** A pipe: an octet written to it makes the main thread read the rings. */
  readonly wakefd: number
  /** One cell for all threads: 1 while an octet is in the pipe, so that a burst of misses writes only one. */
  readonly awake: Int32Array
  readonly control: Int32Array
  readonly counts: Float64Array
  readonly misses: SharedArrayBuffer
  /** Relayed replies for `cache`, in the same form as `misses`. */
  readonly copies: SharedArrayBuffer
  /** The ring for the responder's observed queries. */
  readonly queries: SharedArrayBuffer
  /** What is relayed, by space. */
  readonly relays: readonly { readonly space: number; readonly table: RelayTable }[]
  /** The epoll set of the upstream sockets, and cells for their descriptors, which the main thread closes if the thread dies. */
  readonly epoll: number
  readonly relayDescriptors: Int32Array
  /** The epoll set to watch for the main thread; -1: none. */
  readonly watched: number
  /** The ring for the relay's observed queries. */
  readonly relayQueries: SharedArrayBuffer
  /** process.hrtime() in milliseconds minus the main thread's Clock: lets a thread compute that clock's time. */
  readonly clockOffset: number
  /** For tests: a module that exports createResponder in place of the server's own. */
  readonly responder: string | undefined
  /** Fault injection: the thread throws after so many datagrams; 0: never. */
  readonly dieAfter: number
}

/**
 * Cells of a listener. The main thread stores the first three, which a thread loads once per batch; threads add to the
 * others, which are read at a scrape.
 */
export const listenerCell = {
  /** The listener's space of the table. */
  space: 0,
  /** 1: datagrams may begin with a PROXY header, so all of them go to the main thread. */
  proxied: 1,
  /** 1: a query that cannot be handed over is dropped instead of answered SERVFAIL (`shed`). */
  sheds: 2,
  /** Queries dropped without a reply because the ring of misses was full. */
  unansweredQueries: 3,
  /** Replies that the system refused to send. */
  unsentReplies: 4,
} as const
export const listenerCells = 5

/** Values of the cell `stop`. `answered`: continue until upstreams have answered pending questions, within a time limit. */
export const stopWhen = { never: 0, now: 1, answered: 2 } as const

/** Cells of `control`: the main thread stores the first two; both threads use `life` (src/transport/udp/life.ts). */
export const controlCell = { commands: 0, stop: 1, life: 2 } as const
export const controlCells = 3

/** Cells of `counts`, stored by the thread alone and read at a scrape. They outlive the thread. */
export const countCell = {
  lastQueryAt: 0,
  sendDrops: 1,
  missOverflows: 2,
  failures: 3,
  relayed: 4,
  relayShared: 5,
  relayHandedOver: 6,
  relayStrays: 7,
  relayFull: 8,
  relayUnkept: 9,
  shed: 10,
  /** Reads of what upstreams have sent. */
  looks: 11,
  /** Times that a socket began to admit only a share of the outside names. */
  admissionsClosed: 12,
  /** Replies with TC while those of a socket were cut because the thread was behind. */
  cutReplies: 13,
} as const
export const countCells = 14
