/**
 * Decides whose turn it is. Clients take turns, and a client's connections share its turns: hundreds of busy connections of
 * one client cost the others no more than a single one.
 */

import { clientKey } from '../../dns/address.ts'
import type { CooperativeScheduler, Task } from '../../scheduling/cooperative-scheduler.ts'

export interface Turns {
  /** The task of a connection, like a scheduler's. Stop it when the connection is closed. */
  task(address: string, step: () => boolean): Task
}

interface Client {
  readonly task: Task
  /** Steps of connections with something to do, in the order of their turns. */
  readonly awake: Set<() => boolean>
  connections: number
}

export function createTurns(scheduler: CooperativeScheduler): Turns {
  const clients = new Map<string, Client>()

  function clientOf(key: string): Client {
    const known = clients.get(key)
    if (known !== undefined) return known
    const awake = new Set<() => boolean>()
    const task = scheduler.task(() => {
      for (const step of awake) {
        awake.delete(step)
        if (step()) awake.add(step)
        break
      }
      return awake.size > 0
    })
    const client: Client = { task, awake, connections: 0 }
    clients.set(key, client)
    return client
  }

  return {
    task(address, step) {
      const key = clientKey(address)
      const client = clientOf(key)
      client.connections++
      let stopped = false
      const turn = (): boolean => !stopped && step()
      return {
        wake() {
          if (stopped) return
          client.awake.add(turn)
          client.task.wake()
        },
        stop() {
          if (stopped) return
          stopped = true
          client.awake.delete(turn)
          if (--client.connections > 0) return
          client.task.stop()
          clients.delete(key)
        },
      }
    },
  }
}
