/** Sends a query's question to an upstream, with a random ID and from a randomly selected socket (RFC 5452 §9.2). */
import { maxRelayedRequest, type RelayResponder } from '../../../answer/relay.ts'
import type { Libc } from '../../../libc/libc.ts'
import { randomId } from '../../../upstream/random.ts'
import { socketsPerServer } from '../../../upstream/udp-sockets.ts'
import type { Exchanges } from './exchanges.ts'
import type { Route } from './plans.ts'
import type { UpstreamStates } from './upstreams.ts'

export interface AskingOptions {
  readonly native: Libc
  readonly exchanges: Exchanges
  readonly states: UpstreamStates
  readonly responder: RelayResponder
}

/** Asks for the slot's query, which the responder has read last. False: no upstream, place or socket is available. */
export type Ask = (slot: number, route: Route, now: number) => boolean

export function createAsking({ native, exchanges, states, responder }: AskingOptions): Ask {
  const question = new Uint8Array(new ArrayBuffer(maxRelayedRequest))
  const questionAddress = native.addressOf(question)
  return (slot, route, now) => {
    const local = route.choice.choose()
    const upstream = local < 0 ? undefined : states.at(local)
    if (upstream === undefined || !route.enter()) return false
    const { sockets } = upstream
    const before = sockets.opened()
    const index = sockets.draw(now)
    if (index < 0) {
      route.leave()
      return false
    }
    let id = randomId()
    while (exchanges.hasId(local * socketsPerServer + index, id)) id = randomId()
    const length = responder.writeQuery(question, 0, route)
    question[0] = id >> 8
    question[1] = id
    if (native.sendOne(sockets.fd(index), questionAddress, length) < 0) {
      // The error of an earlier question, or no route: the chain will tell which.
      sockets.spend(index)
      sockets.end(index)
      route.leave()
      return false
    }
    exchanges.begin(slot, route, local, index, id, now)
    upstream.counts.sent(sockets.opened() > before)
    return true
  }
}
