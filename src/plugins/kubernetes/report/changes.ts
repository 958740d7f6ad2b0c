/**
 * Reports which answers changed, and why. Events only mark a service; its answers are compared with the earlier ones in
 * slices of work. Keeping the earlier objects costs little memory, because objects of the model never change.
 */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { backendStates } from '../../../cluster-dns/features/split/backend-state.ts'
import { namedBackends, splitOf } from '../../../cluster-dns/features/split/split-backends.ts'
import { selectEndpoints } from '../../../cluster-dns/lookup/endpoint-selection.ts'
import { isHiddenWhenEmpty, isShown } from '../../../cluster-dns/lookup/visibility.ts'
import { serviceName } from '../../../cluster-dns/names/cluster-name.ts'
import type { AnswerChange } from '../../../console/state.ts'
import type { Cluster } from '../../../k8s/model/cluster.ts'
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../../scheduling/cooperative-scheduler.ts'
import { createSplitIndex, type NamespacedName } from '../publish/split-index.ts'
import { bounds } from './bounds.ts'
import { addressText } from './endpoints.ts'
import { sharesOf } from './services.ts'

export interface ChangesOptions {
  readonly cluster: Pick<Cluster, 'subscribe'>
  readonly context: ClusterContext
  readonly clock: Clock
  readonly changed: (change: AnswerChange) => void
}

/** The objects that a service's answers come from. */
interface Seen {
  readonly service: Service | undefined
  readonly slices: readonly EndpointSlice[]
  /** The backends of a split with their shares. */
  readonly shares: readonly string[] | undefined
}

const nothing: Seen = { service: undefined, slices: [], shares: undefined }

/** Texts of an answer by type: the first addresses, and how many more there are. */
type Answers = ReadonlyMap<string, readonly string[]>

export function followChanges({ cluster, context, clock, changed }: ChangesOptions): { stop(): void } {
  const { view } = context
  const known = new Map<string, Seen>()
  const splits = createSplitIndex()
  /** By key, with the cause if that is another object. */
  const dirty = new Map<string, NamespacedName & { readonly cause: string | undefined }>()
  const work = createCooperativeScheduler(clock).task(step)
  let following = false
  let second = 0
  let writtenInSecond = 0

  function currentState({ namespace, name }: NamespacedName): Seen {
    const service = isShown(context, namespace) ? view.service(namespace, name) : undefined
    if (!service) return nothing
    const backends = splitOf(context, service)
    return { service, slices: view.slices(namespace, name), shares: backends && shareTexts(context, backends) }
  }

  function remember(service: NamespacedName, seen: Seen): void {
    const key = keyOf(service)
    if (seen.service) known.set(key, seen)
    else known.delete(key)
    splits.update(service, seen.service ? namedBackends(context, seen.service) : [])
  }

  function mark(service: NamespacedName, cause: string | undefined): void {
    const key = keyOf(service)
    if (!dirty.has(key)) dirty.set(key, { ...service, cause })
  }

  function step(): boolean {
    const next = dirty.entries().next()
    if (next.done) return false
    const [key, service] = next.value
    dirty.delete(key)
    const before = known.get(key) ?? nothing
    const after = currentState(service)
    remember(service, after)
    // The answers of a split change with those of its backends.
    for (const split of splits.of(service)) mark(split, service.cause ?? causeOf(before, after))
    if (mayWrite()) write(service, before, after, service.cause ?? causeOf(before, after))
    return dirty.size > 0
  }

  function mayWrite(): boolean {
    const now = Math.floor(clock.now() / 1_000)
    if (now !== second) writtenInSecond = 0
    second = now
    return writtenInSecond < bounds.changesPerSecond
  }

  function write(service: NamespacedName, before: Seen, after: Seen, object: string): void {
    if (isAlike(before, after)) return
    const was = answersOf(context, before)
    const is = answersOf(context, after)
    for (const type of new Set([...was.keys(), ...is.keys()])) {
      const [one, other] = [was.get(type) ?? [], is.get(type) ?? []]
      if (one.join() === other.join() && !isHeadlessChange(before, after)) continue
      writtenInSecond++
      const name = serviceName(service.namespace, service.name, context.settings.primaryZone)
      changed({ time: clock.wall(), name, type, before: one, after: other, object })
    }
  }

  function begin(): void {
    if (following || !view.synced) return
    following = true
    for (const { namespace, name } of view.services()) remember({ namespace, name }, currentState({ namespace, name }))
  }

  const subscription = cluster.subscribe('observers', {
    snapshot: begin,
    sync: begin,
    service(namespace, name) {
      if (!following) return
      mark({ namespace, name }, undefined)
      work.wake()
    },
  })
  return {
    stop() {
      subscription.unsubscribe()
      work.stop()
    },
  }
}

const keyOf = ({ namespace, name }: NamespacedName): string => `${namespace}/${name}`

const isAlike = (before: Seen, after: Seen): boolean =>
  before.service === after.service &&
  before.slices === after.slices &&
  (before.shares ?? []).join() === (after.shares ?? []).join()

/** Whether an answer may have changed in addresses that are not written out. */
function isHeadlessChange(before: Seen, after: Seen): boolean {
  const many = (slices: readonly EndpointSlice[]) =>
    slices.reduce((sum, { count }) => sum + count, 0) > bounds.addresses
  return (after.service?.headless ?? before.service?.headless ?? false) && (many(before.slices) || many(after.slices))
}

function causeOf(before: Seen, after: Seen): string {
  const service = after.service ?? before.service
  if (before.service === after.service) {
    const slice =
      after.slices.find((each) => !before.slices.includes(each)) ??
      before.slices.find((each) => !after.slices.includes(each))
    if (slice) return `EndpointSlice ${slice.namespace}/${slice.name}`
  }
  return service ? `Service ${service.namespace}/${service.name}` : ''
}

function answersOf(context: ClusterContext, { service, slices, shares }: Seen): Answers {
  if (!service) return new Map()
  if (shares) return new Map([['A', shares]])
  if (service.type === 'ExternalName') return new Map([['CNAME', [service.externalName]]])
  if (!service.headless) {
    const addresses = isHiddenWhenEmpty(context, service) ? [] : service.clusterIPs
    return byFamily(addresses.map((text) => [text.includes(':') ? 'AAAA' : 'A', text]))
  }
  const { filter } = selectEndpoints(context.settings, slices)
  const texts: (readonly [string, string])[] = []
  const counts = new Map<string, number>()
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue
    const type = slice.addressType === 'IPv4' ? 'A' : 'AAAA'
    for (let place = 0; place < slice.count; place++) {
      if (!filter(slice, place)) continue
      const count = (counts.get(type) ?? 0) + 1
      counts.set(type, count)
      if (count <= bounds.addresses) texts.push([type, addressText(slice, place)])
    }
  }
  for (const [type, count] of counts)
    if (count > bounds.addresses) texts.push([type, `… ${count - bounds.addresses} more`])
  return byFamily(texts)
}

function byFamily(texts: readonly (readonly [string, string])[]): Answers {
  const all = new Map<string, string[]>()
  for (const [type, text] of texts) all.set(type, [...(all.get(type) ?? []), text])
  return all
}

function shareTexts(context: ClusterContext, backends: Parameters<typeof backendStates>[2]): readonly string[] {
  const states = backendStates(context, context.settings.zones[0]!, backends)
  const shares = sharesOf(states)
  return states.map(({ name }, i) => `${name} ${Math.round(shares[i] * 1_000) / 10} %`)
}
