/**
 * Limits what waits for upstreams at a time, over all of them: exchanges (each costs a descriptor and memory) and the
 * octets of their messages. At the limit the client with the most exchanges loses one, not the newcomer: a client that
 * floods unanswered names must not block forwarding for the others.
 */
import { clientKey } from '../dns/address.ts'
import type { Clock } from '../scheduling/clock.ts'

export interface PlacesOptions {
  readonly clock: Clock
  /** Maximum number of exchanges; a function if others share it. */
  readonly exchanges: number | (() => number)
  /** Maximum octets of messages. */
  readonly octets: number
  /** Called for each exchange that is refused or displaced. */
  readonly onRefused: (reason: Refusal) => void
}

/** `exchanges`, `octets`: the limit is reached by all clients together. `share`: by the client itself, or it was displaced. */
export type Refusal = 'exchanges' | 'octets' | 'share'

export interface Place {
  /** Frees the place. May be called more than once. */
  release(): void
}

export interface Places {
  /**
   * A place for an exchange of this client, or undefined when all are taken. `lose` is called when the place goes to another
   * client, and must end the exchange. `spare`: only a free place (a hedge does not displace another exchange).
   */
  take(client: string, octets: number, lose: () => void, spare?: boolean): Place | undefined
}

/** An exchange was prevented by one of our own limits: this says nothing about the upstream. */
export class NoPlace extends Error {}

/** Milliseconds after which an exchange gives way to a client without one: a flood may use many addresses. */
const longWait = 1000

interface Taken extends Place {
  readonly since: number
  readonly octets: number
  readonly lose: () => void
}

export function createPlaces({ clock, exchanges, octets: mostOctets, onRefused }: PlacesOptions): Places {
  /** Each client's places, oldest first. */
  const ofClient = new Map<string, Set<Taken>>()
  /** All places, oldest first. */
  const all = new Set<Taken>()
  let octets = 0

  function shortage(more: number): 'exchanges' | 'octets' | undefined {
    if (all.size >= (typeof exchanges === 'number' ? exchanges : exchanges())) return 'exchanges'
    return octets + more > mostOctets ? 'octets' : undefined
  }

  /** The exchange that gives way to a newcomer with `own` exchanges, if any. */
  function givesWay(own: number): Taken | undefined {
    let most = own + 1
    let heaviest: Set<Taken> | undefined
    for (const places of ofClient.values()) {
      if (places.size <= most) continue
      most = places.size
      heaviest = places
    }
    if (heaviest) return first(heaviest)
    const oldest = own === 0 ? first(all) : undefined
    return oldest && clock.now() - oldest.since >= longWait ? oldest : undefined
  }

  function put(client: string, more: number, lose: () => void): Place {
    const places = ofClient.get(client) ?? new Set()
    ofClient.set(client, places)
    const place: Taken = {
      since: clock.now(),
      octets: more,
      lose,
      release() {
        if (!all.delete(place)) return
        octets -= more
        places.delete(place)
        if (places.size === 0 && ofClient.get(client) === places) ofClient.delete(client)
      },
    }
    places.add(place)
    all.add(place)
    octets += more
    return place
  }

  return {
    take(address, more, lose, spare = false) {
      const client = clientKey(address)
      for (let reason = shortage(more); reason !== undefined; reason = shortage(more)) {
        const own = ofClient.get(client)?.size ?? 0
        const victim = spare ? undefined : givesWay(own)
        if (!victim) {
          if (!spare) onRefused(own > 1 ? 'share' : reason)
          return undefined
        }
        victim.release()
        onRefused('share')
        victim.lose()
      }
      return put(client, more, lose)
    },
  }
}

function first<T>(set: ReadonlySet<T>): T | undefined {
  for (const value of set) return value
  return undefined
}
