/** One `forward` for the UDP threads, and the bound on its queries that they share with the chain. */
import { rcode } from '../../dns/codes.ts'
import type { ReasonOfChain, RelayForward, RelayUpstream } from '../../plugin/capabilities/relay.ts'
import type { Place } from '../../upstream/places.ts'
import { mostRelayThreads } from '../../upstream/shared-state.ts'
import type { ServerList } from './servers.ts'
import type { ForwardSettings } from './settings.ts'

export interface ForwardRelay {
  /** The forward, or why UDP threads must not or cannot relay for it. The same object until it changes. */
  current(): RelayForward | ReasonOfChain
  /** Queries that threads have under way. */
  ofThreads(): number
  /** Counts the place, which the threads see, until it is released. */
  counted(place: Place | undefined): Place | undefined
}

let lastNumber = 0

const noUpstream: ReasonOfChain = { reason: 'no upstream is resolved yet' }
const notPlain: ReasonOfChain = { reason: 'an upstream is not asked over plain UDP' }

/** Why an answer may decide whom to ask next, which only the chain can do. */
function choiceOf({ forceTcp, next, nextOnNodata, failover }: ForwardSettings): ReasonOfChain | undefined {
  if (forceTcp) return { reason: 'force_tcp' }
  if (next.size > 0) return { reason: 'next may ask another forward' }
  if (nextOnNodata) return { reason: 'next_on_nodata may ask another forward' }
  return failover.has(rcode.NXDOMAIN) ? { reason: 'failover NXDOMAIN may ask another upstream' } : undefined
}

export function createRelayForward(settings: ForwardSettings, servers: ServerList): ForwardRelay {
  const running = new Int32Array(new SharedArrayBuffer(4 * (mostRelayThreads + 1)))
  const number = ++lastNumber
  const { policy, readTimeout, maxConcurrent } = settings
  const chosen = choiceOf(settings)
  let known: typeof servers.current = []
  let value: RelayForward | ReasonOfChain = noUpstream

  function build(): RelayForward | ReasonOfChain {
    if (chosen) return chosen
    if (servers.current.length === 0) return noUpstream
    const upstreams = servers.current.flatMap(({ number, relay }): RelayUpstream[] =>
      relay ? [{ number, ...relay }] : [],
    )
    if (upstreams.length < servers.current.length) return notPlain
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
