/** A client's query in the batch with which it was received. One object is reused: passing it on allocates nothing. */
export interface ClientQuery {
  /** The listener's socket, by its id. */
  socket: number
  space: number
  /** Milliseconds of the monotonic clock. */
  receivedAt: number
  /** The table has a reply for it, but an expired one. */
  hasExpired: boolean
  /** The memory that holds the request, the sender's sockaddr and the reply's control data, each at its offset. */
  readonly bytes: Uint8Array
  start: number
  end: number
  nameAt: number
  controlAt: number
  controlLength: number
}

export function createClientQuery(bytes: Uint8Array): ClientQuery {
  return {
    socket: 0,
    space: 0,
    receivedAt: 0,
    hasExpired: false,
    bytes,
    start: 0,
    end: 0,
    nameAt: 0,
    controlAt: 0,
    controlLength: 0,
  }
}
