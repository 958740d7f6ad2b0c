/**
 * Who is let in at a listener that has a bound of its own (`https { max_connections }`). A connection past it waits, as in CoreDNS:
 * for a place that is given up, or, once it has waited for a while, for that of one that is as idle.
 */
import type { Socket } from 'node:net'
import { clientKey } from '../../dns/address.ts'
import type { ConnectionTable } from './connection-table.ts'
import type { Connection } from './protocol.ts'

export interface Admission {
  /** Those that are let in. */
  readonly table: ConnectionTable
  full(): boolean
  /** Calls `enter` when there is room; the wait has ended then. */
  wait(socket: Socket, client: string, enter: () => void): Connection
  /** Lets in whom there is room for: call it when a connection has ended, and now and then. */
  admit(): void
}

export interface AdmissionOptions {
  /** Connections at a time: a reload changes it. */
  readonly most: () => number
  readonly table: ConnectionTable
  /** Everything that is open: waiting takes a place there. */
  readonly all: Pick<ConnectionTable, 'add'>
  readonly now: () => number
  /** Milliseconds that a connection may wait. */
  readonly longest: number
}

/** Milliseconds: less than a client waits for a connection, and more than a client in use is silent for. */
const patience = 1000

interface Waiter {
  readonly client: string
  readonly since: number
  enter(): void
}

export function createAdmission({ most, table, all, now, longest }: AdmissionOptions): Admission {
  const waiting = new Set<Waiter>()

  /** Of the client with the fewest that wait, the one that has waited for longest. */
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
      const isPatient = now() - waiter.since >= patience
      if (table.size() >= most() && !(isPatient && table.evictIdle(patience))) return
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
      // Its place is for nobody from now on, not only from when the socket says so.
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
          // What has come is read ahead, although nobody looks at it yet.
          entry.setInput(socket.readableLength)
          if (time - waiter.since > longest) destroy()
        },
        finish: destroy,
        destroy,
      }
    },
  }
}
