/**
 * Which services' endpoints are unsettled (docs/design.md §9, `adaptive_ttl`): one is not ready or is terminating, or
 * the set has changed within the settling time. A first list, a re-list without changes, and a move between slices (if
 * no event leaves the endpoint in none) do not count as changes.
 */

import type { Settling, Unsettled } from '../../../cluster-dns/context.ts'
import type { Cluster } from '../../../k8s/model/cluster.ts'
import { sameBytes, sameTexts } from '../../../k8s/model/compare.ts'
import { type EndpointSlice, endpointFlag } from '../../../k8s/model/types.ts'
import type { Clock, Timer } from '../../../scheduling/clock.ts'

export interface SettlingTracker extends Settling {
  /** Calls back when a service becomes settled or unsettled. Callbacks only mark, and do no work. */
  subscribe(flipped: (namespace: string, service: string) => void): { unsubscribe(): void }
  stop(): void
}

interface State {
  readonly slices: readonly EndpointSlice[]
  /** Endpoints that are not ready, or terminating. */
  readonly unready: number
}

interface Change {
  readonly namespace: string
  readonly service: string
  /** When the set will have been unchanged for the settling time, on the monotonic clock. */
  readonly until: number
}

/** `settle`: milliseconds. */
export function createSettling(
  { view, subscribe }: Pick<Cluster, 'view' | 'subscribe'>,
  settle: number,
  clock: Clock,
): SettlingTracker {
  /** States of all services with slices. */
  const states = new Map<string, State>()
  /** The last change of each unsettled set, oldest first: all settle after the same time, so one timer serves all. */
  const changes = new Map<string, Change>()
  const listeners = new Set<{ readonly flipped: (namespace: string, service: string) => void }>()
  const unreadyOf = countedOnce(countUnready)
  /** Services that the current event made settled or unsettled. */
  const changedNow = new Set<string>()
  let following = false
  let timer: Timer | undefined

  const stateOf = (slices: readonly EndpointSlice[]): State => ({
    slices,
    unready: slices.reduce((sum, slice) => sum + unreadyOf(slice), 0),
  })

  const isUnsettled = (key: string): boolean => changes.has(key) || (states.get(key)?.unready ?? 0) > 0

  function flip(namespace: string, service: string): void {
    for (const { flipped } of listeners) flipped(namespace, service)
  }

  function service(namespace: string, name: string): void {
    if (!following) return
    const key = keyOf(namespace, name)
    const before = states.get(key)?.slices ?? []
    const slices = view.slices(namespace, name)
    if (before === slices) return
    const was = isUnsettled(key)
    if (setDiffers(before, slices, view)) {
      // Moved to the end: it is the newest change now.
      changes.delete(key)
      changes.set(key, { namespace, service: name, until: clock.now() + settle })
      wait()
    }
    if (slices.length > 0) states.set(key, stateOf(slices))
    else states.delete(key)
    if (isUnsettled(key) !== was) changedNow.add(key)
  }

  function notify(namespace: string, name: string): void {
    if (changedNow.delete(keyOf(namespace, name))) flip(namespace, name)
  }

  /** A service settles without an event, so a timer reports it. */
  function wait(): void {
    const [oldest] = changes.values()
    if (timer || !oldest) return
    timer = clock.after(Math.max(0, oldest.until - clock.now()), () => {
      timer = undefined
      for (const [key, { namespace, service, until }] of changes) {
        if (until > clock.now()) break
        changes.delete(key)
        if (!isUnsettled(key)) flip(namespace, service)
      }
      wait()
    })
  }

  function sync(): void {
    if (following || view.availability('endpointslices') !== 'synced') return
    following = true
    for (const { namespace, service } of view.allSlices()) {
      const key = keyOf(namespace, service)
      if (!states.has(key)) states.set(key, stateOf(view.slices(namespace, service)))
    }
  }

  const subscriptions = [
    subscribe('indexes', { snapshot: sync, sync, service }),
    // Publishing comes after the held queries have been answered.
    subscribe('publishing', { service: notify }),
  ]

  return {
    isUnsettled: (namespace, name) => isUnsettled(keyOf(namespace, name)),
    why(namespace, name): Unsettled | undefined {
      const key = keyOf(namespace, name)
      if (!isUnsettled(key)) return undefined
      const change = changes.get(key)
      return {
        unready: states.get(key)?.unready ?? 0,
        changing: change && Math.max(0, change.until - clock.now()),
      }
    },
    subscribe(flipped) {
      const listener = { flipped }
      listeners.add(listener)
      return { unsubscribe: () => void listeners.delete(listener) }
    },
    stop() {
      for (const subscription of subscriptions) subscription.unsubscribe()
      timer?.cancel()
    },
  }
}

const keyOf = (namespace: string, service: string): string => `${namespace}/${service}`

/** Slices are replaced, never changed, so each is counted once. */
function countedOnce(count: (slice: EndpointSlice) => number): (slice: EndpointSlice) => number {
  const known = new WeakMap<EndpointSlice, number>()
  return (slice) => {
    const counted = known.get(slice) ?? count(slice)
    known.set(slice, counted)
    return counted
  }
}

function countUnready({ flags, count }: EndpointSlice): number {
  let unready = 0
  for (let place = 0; place < count; place++) {
    if ((flags[place] & (endpointFlag.ready | endpointFlag.terminating)) !== endpointFlag.ready) unready++
  }
  return unready
}

/**
 * Whether the set of endpoints changed. Only changed slices are compared: an address that is still in an unchanged slice
 * is not a change.
 */
function setDiffers(
  before: readonly EndpointSlice[],
  after: readonly EndpointSlice[],
  view: Pick<Cluster['view'], 'endpointsByAddress'>,
): boolean {
  const was = new Set(before)
  const is = new Set(after)
  const gone = before.filter((slice) => !is.has(slice))
  const come = after.filter((slice) => !was.has(slice))
  if (gone.length === 1 && come.length === 1 && sameAddresses(gone[0], come[0])) return false
  const stayed = after.filter((slice) => was.has(slice))
  const hasStayed = (endpoint: Uint8Array | string): boolean =>
    typeof endpoint === 'string'
      ? stayed.some(({ fqdns }) => fqdns?.includes(endpoint))
      : view.endpointsByAddress(endpoint).some(({ slice }) => was.has(slice) && is.has(slice))
  const lost = endpointsOf(gone)
  const gained = endpointsOf(come)
  const isIn = (others: ReadonlyMap<string, unknown>, key: string, endpoint: Uint8Array | string): boolean =>
    others.has(key) || hasStayed(endpoint)
  return (
    [...lost].some(([key, endpoint]) => !isIn(gained, key, endpoint)) ||
    [...gained].some(([key, endpoint]) => !isIn(lost, key, endpoint))
  )
}

const sameAddresses = (a: EndpointSlice, b: EndpointSlice): boolean =>
  a.addressType === b.addressType && sameBytes(a.addresses, b.addresses) && sameTexts(a.fqdns, b.fqdns)

/** The addresses, or names of FQDN slices, without duplicates. */
function endpointsOf(slices: readonly EndpointSlice[]): ReadonlyMap<string, Uint8Array | string> {
  const endpoints = new Map<string, Uint8Array | string>()
  for (const { addressType, addresses, fqdns } of slices) {
    for (const name of fqdns ?? []) endpoints.set(`name ${name}`, name)
    const width = addressType === 'IPv4' ? 4 : 16
    for (let at = 0; at < addresses.length; at += width) {
      const address = addresses.subarray(at, at + width)
      endpoints.set(String.fromCharCode(...address), address)
    }
  }
  return endpoints
}
