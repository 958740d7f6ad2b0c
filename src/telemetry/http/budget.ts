/**
 * Limits all HTTP listeners of the process together. At the limit the least useful connection is closed and the new one
 * served: idle connections must not keep a probe out, which would end the pod.
 */
export interface HttpBudgetOptions {
  /** Connections, each of which is a descriptor. */
  readonly connections: number
  /** Octets of replies not yet taken by clients. */
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
  /** Closes the connection and releases its octets at once. */
  destroy(): void
}

export interface HttpBudget {
  /** Adds a connection, and closes another when there are too many. */
  add(connection: BudgetedConnection): void
  /** The connection has made progress and has so many more octets to send: closes others if that exceeds the limit. */
  progress(connection: BudgetedConnection, octets: number): void
  /** A client has taken so many octets, or they have been discarded. */
  release(octets: number): void
  remove(connection: BudgetedConnection): void
}

export function createHttpBudget({ connections: most, octets: mostOctets, onClosed }: HttpBudgetOptions): HttpBudget {
  /** In the order of their last progress. */
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

  /** The connection without progress for longest, of the client with most; one whose request is being handled comes last. */
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
