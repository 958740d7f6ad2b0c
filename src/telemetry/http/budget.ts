/**
 * What all HTTP listeners of the process may use together. When it is used up, the connection that is of least use is
 * closed and the newcomer is served: idle connections must not be able to keep a probe out, which would end the pod.
 */
export interface HttpBudgetOptions {
  /** Connections, which are descriptors. */
  readonly connections: number
  /** Octets of replies that clients have not taken. */
  readonly octets: number
  /** Called when a connection is closed because the budget is used up. */
  readonly onClosed?: (reason: 'connections' | 'octets') => void
}

/** `waiting` for a request, `working` on its reply, `replying` until the client has taken it. */
export type HttpPhase = 'waiting' | 'working' | 'replying'

/** A connection as the budget sees it. */
export interface BudgetedConnection {
  /** The client's address; '' for a Unix socket. */
  readonly client: string
  readonly phase: HttpPhase
  /** Frees the descriptor and gives the octets back at once. */
  destroy(): void
}

export interface HttpBudget {
  /** Counts a connection in, and closes another one when there are too many. */
  add(connection: BudgetedConnection): void
  /** The connection has made progress, and has so many octets more to send: closes others when those are too many. */
  progress(connection: BudgetedConnection, octets: number): void
  /** A client has taken so many octets, or they are no longer for anybody. */
  release(octets: number): void
  remove(connection: BudgetedConnection): void
}

export function createHttpBudget({ connections: most, octets: mostOctets, onClosed }: HttpBudgetOptions): HttpBudget {
  /** In the order in which they last made progress. */
  const connections = new Set<BudgetedConnection>()
  let octets = 0

  function heaviestClient(): string {
    const counts = new Map<string, number>()
    let heaviest = ''
    for (const { client } of connections) {
      counts.set(client, (counts.get(client) ?? 0) + 1)
      if (counts.get(client)! > (counts.get(heaviest) ?? 0)) heaviest = client
    }
    return heaviest
  }

  /** The connection that has made no progress for longest, of the client that has most; one that is worked for last. */
  function leastUseful(newcomer: BudgetedConnection): BudgetedConnection {
    const client = heaviestClient()
    let worked: BudgetedConnection | undefined
    for (const connection of connections) {
      if (connection.client !== client || connection === newcomer) continue
      if (connection.phase !== 'working') return connection
      worked ??= connection
    }
    return worked ?? newcomer
  }

  function longestReplying(except: BudgetedConnection): BudgetedConnection | undefined {
    for (const connection of connections) {
      if (connection.phase === 'replying' && connection !== except) return connection
    }
    return undefined
  }

  function close(victim: BudgetedConnection, reason: 'connections' | 'octets'): void {
    connections.delete(victim)
    victim.destroy()
    onClosed?.(reason)
  }

  return {
    add(connection) {
      connections.add(connection)
      if (connections.size > most) close(leastUseful(connection), 'connections')
    },
    progress(connection, more) {
      octets += more
      if (connections.delete(connection)) connections.add(connection)
      while (octets > mostOctets) {
        const victim = longestReplying(connection)
        if (!victim) return
        close(victim, 'octets')
      }
    },
    release(fewer) {
      octets -= fewer
    },
    remove: (connection) => void connections.delete(connection),
  }
}
