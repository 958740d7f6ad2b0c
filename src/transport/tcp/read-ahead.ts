/**
 * Octets of a connection that are read before its turn; the rest stays in the kernel, which then stops the client. The event
 * loop reads all connections before any of them has its turn, and what it reads soon becomes garbage: clients that never
 * pause could otherwise fill a pod's memory.
 */
export const readAhead = 4 * 1024
