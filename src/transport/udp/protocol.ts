/** What the main thread and a UDP thread say to each other. Shared cells and their numbers, messages, workerData. */
import type { TableHandle } from '../../table/api.ts'

/** A socket as a thread borrows it: the main thread opened it and closes it. */
export interface BorrowedSocket {
  /** Unique in the process; the descriptor's number may come back. */
  readonly id: number
  readonly fd: number
  readonly family: 4 | 6
  readonly wildcard: boolean
  /** The address that it is bound to: 4 or 16 octets, zeros for every address. */
  readonly local: Uint8Array
  readonly port: number
  /** One cell: the listener's space of the table. The main thread stores, the thread loads once per batch. */
  readonly space: Int32Array
  /** Retired: to be read until it is dry, then given back. */
  readonly draining: boolean
}

/** Sent with postMessage; the thread looks after the main thread has raised `commands` and signalled the eventfd. */
export type ThreadCommand =
  | { readonly kind: 'add'; readonly socket: BorrowedSocket }
  | { readonly kind: 'drain'; readonly id: number }

export type ThreadReport =
  /** The loop runs. */
  | { readonly kind: 'ready' }
  /** The socket is dry and will not be touched again; its last misses are in the ring. */
  | { readonly kind: 'drained'; readonly id: number }
  /** The answer to one query threw; the chain was asked instead. At most one a second. */
  | { readonly kind: 'failed'; readonly error: string }

export interface ThreadData {
  readonly table: TableHandle
  /** The reader's slot of the table's epoch protocol. */
  readonly slot: number
  readonly sockets: readonly BorrowedSocket[]
  /** Readable when the main thread wants to be heard. */
  readonly eventfd: number
  /** A pipe: what is written to it makes the main thread look at the rings. */
  readonly wakefd: number
  /** One cell for all threads: 1 while an octet is under way, so that a burst of misses writes one. */
  readonly awake: Int32Array
  readonly control: Int32Array
  readonly counts: Float64Array
  readonly misses: SharedArrayBuffer
  /** Where the responder puts observed queries. */
  readonly queries: SharedArrayBuffer
  /** hrtime in milliseconds minus the process's clock: threads tell the time of the main thread's Clock. */
  readonly clockOffset: number
  /** A module that exports createResponder instead of ours, for tests. */
  readonly responder: string | undefined
  /** Fault injection: the thread throws after so many datagrams; 0 for never. */
  readonly dieAfter: number
}

/** Cells of `control`, stored by the main thread. */
export const controlCell = { commands: 0, stop: 1 } as const
export const controlCells = 2

/** Cells of `counts`, each stored by the thread alone and read at a scrape. They outlive the thread. */
export const countCell = { lastQueryAt: 0, sendDrops: 1, missOverflows: 2, failures: 3 } as const
export const countCells = 4
