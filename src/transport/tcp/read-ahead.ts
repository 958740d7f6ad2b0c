/**
 * Octets of a connection that are read before its turn comes; the rest waits in the kernel, which takes no more from the client
 * then. The event loop reads all connections before any of them has its turn, and what it reads is garbage soon after: a client
 * that never pauses would have a whole pod's memory full of it.
 */
export const readAhead = 4 * 1024
