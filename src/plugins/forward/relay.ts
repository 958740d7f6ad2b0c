/** One `forward` as the UDP threads know it, and the bound on its queries that they share with the chain. */
import { rcode } from '../../dns/codes.ts'
import type { RelayForward, RelayUpstream } from '../../plugin/capabilities/relay.ts'
import type { Place } from '../../upstream/places.ts'
import { mostRelayThreads } from '../../upstream/shared-state.ts'
import type { ServerList } from './servers.ts'
import type { ForwardSettings } from './settings.ts'

export interface ForwardRelay {
  /** Undefined: the threads must not answer for it, or cannot ask its upstreams. The same value until that changes. */
  current(): RelayForward | undefined
  /** Queries that threads have under way. */
  ofThreads(): number
  /** The place, counted for the threads until it is released. */
  counted(place: Place | undefined): Place | undefined
}

let lastNumber = 0

export function createRelayForward(settings: ForwardSettings, servers: ServerList): ForwardRelay {
  const running = new Int32Array(new SharedArrayBuffer(4 * (mostRelayThreads + 1)))
  const number = ++lastNumber
  const { policy, readTimeout, maxConcurrent } = settings
  // What the chain does with an answer besides passing it on.
  const choosesAnswers =
    settings.forceTcp || settings.next.size > 0 || settings.nextOnNodata || settings.failover.has(rcode.NXDOMAIN)
  let known: typeof servers.current = []
  let value: RelayForward | undefined

  function build(): RelayForward | undefined {
    const upstreams = servers.current.flatMap(({ number, relay }): RelayUpstream[] =>
      relay ? [{ number, ...relay }] : [],
    )
    if (choosesAnswers || upstreams.length === 0 || upstreams.length < servers.current.length) return undefined
    return { number, policy, upstreams, readTimeout, maxConcurrent, running }
  }

  return {
    current() {
      if (servers.current !== known) {
        known = servers.current
        value = build()
      }
      return value
    },
    ofThreads() {
      let all = 0
      for (let thread = 1; thread < running.length; thread++) all += Atomics.load(running, thread)
      return all
    },
    counted(place) {
      if (!place) return undefined
      Atomics.add(running, 0, 1)
      let held = true
      return {
        release() {
          if (held) Atomics.sub(running, 0, 1)
          held = false
          place.release()
        },
      }
    },
  }
}
