/**
 * Admits connections at a listener with its own limit (`https { max_connections }`). As in CoreDNS, a connection beyond it
 * waits: until a place becomes free, or, after a while, until it can displace a connection that has been idle as long.
 */
import type { Socket } from 'node:net'
import { clientKey } from '../../dns/address.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { Connection } from './protocol.ts'

export interface Admission {
  /** The admitted connections. */
  readonly table: ConnectionTable
  full(): boolean
  /** Calls `enter` once the connection is admitted, which ends the wait. */
  wait(socket: Socket, client: string, enter: () => void): Connection
  /** Admits as many as there is room for. To be called when a connection has ended, and periodically. */
  admit(): void
}

export interface AdmissionOptions {
  /** Maximum number of connections; a reload may change it. */
  readonly most: () => number
  readonly table: ConnectionTable
  /** The table of all open connections: a waiting connection takes a place in it. */
  readonly all: Pick<ConnectionTable, 'add'>
  readonly now: () => number
  /** Milliseconds that a connection may wait. */
  readonly longest: number
}

/** Milliseconds: less than a client waits for a connection, and more than an active client is silent. */
const evictAfter = 1000

interface Waiter {
  readonly client: string
  readonly since: number
  enter(): void
}

export function createAdmission({ most, table, all, now, longest }: AdmissionOptions): Admission {
  const waiting = new Set<Waiter>()

  /** Of the client with the fewest waiting connections, the one that has waited longest. */
  function next(): Waiter | undefined {
    const counts = new Map<string, number>()
    for (const { client } of waiting) counts.set(client, (counts.get(client) ?? 0) + 1)
    let found: Waiter | undefined
    for (const waiter of waiting)
      if (found === undefined || counts.get(waiter.client)! < counts.get(found.client)!) found = waiter
    return found
  }

  function admit(): void {
    for (let waiter = next(); waiter !== undefined; waiter = next()) {
      const hasWaited = now() - waiter.since >= evictAfter
      if (table.size() >= most() && !(hasWaited && table.evictIdle(evictAfter))) return
      waiter.enter()
    }
  }

  return {
    table,
    full: () => table.size() >= most() || waiting.size > 0,
    admit,
    wait(socket, client, enter) {
      const leave = (): void => {
        waiting.delete(waiter)
        entry.remove()
        socket.off('close', leave)
      }
      // Its place is free from now on, even if the socket closes later.
      const destroy = (): void => {
        leave()
        socket.destroy()
      }
      const entry = all.add(client, { idle: () => true, destroy })
      const waiter: Waiter = {
        client: clientKey(client),
        since: now(),
        enter() {
          leave()
          socket.off('error', destroy)
          enter()
        },
      }
      waiting.add(waiter)
      socket.on('close', leave)
      socket.on('error', destroy)
      return {
        sweep(time) {
          // Received octets are read ahead by Node.js, although nothing handles them yet.
          entry.setInput(socket.readableLength)
          if (time - waiter.since > longest) destroy()
        },
        finish: destroy,
        destroy,
      }
    },
  }
}
