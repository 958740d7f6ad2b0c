/**
 * The queue of queries for endpoints that do not exist yet (`slicedns.io/hold`). Events only mark the service; queries
 * whose endpoint has appeared are answered from the microtask after the event on, in slices. Everything is bounded:
 * which queries wait, how many, and how long.
 */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { type Awaited, awaitedAt, holdOf } from '../../../cluster-dns/features/hold/awaited.ts'
import { endpointLabel, isReady } from '../../../cluster-dns/lookup/endpoints.ts'
import type { Cluster } from '../../../k8s/model/cluster.ts'
import type { EndpointSlice } from '../../../k8s/model/types.ts'
import type { Outcome, Query } from '../../../plugin/query.ts'
import type { Clock, Timer } from '../../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../../scheduling/cooperative-scheduler.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import type { HoldQuota } from './quota.ts'

/** Looks the name up again: the answer, or undefined while the name is missing. */
type Retry = () => Outcome | Promise<Outcome> | undefined

export interface HoldQueue {
  /** Starts to follow the cluster. */
  start(cluster: Pick<Cluster, 'subscribe'>): void
  /**
   * Holds the query for a missing name. Resolves to the answer of `retry` once the name exists, or to undefined when it
   * did not appear in time. `over` when the query cannot be held: its time is up, or the quota is full. Undefined for
   * names that are not held.
   */
  wait(query: Query, zone: string, retry: Retry): Promise<Outcome | undefined> | 'over' | undefined
  /** How many queries are held, and the first of them. */
  list(most: number): { readonly waiting: number; readonly list: readonly HeldFacts[] }
  /** Answers every held query from the current state, and holds none from now on. */
  close(): void
}

/** A held query, for people. Times are milliseconds of the monotonic clock. */
export interface HeldFacts {
  readonly name: string
  readonly client: string
  readonly since: number
  readonly until: number
}

export interface HoldQueueOptions {
  readonly context: () => ClusterContext
  readonly quota: HoldQuota
  readonly clock: Clock
  readonly metrics: MetricsRegistry
}

type Reason = 'answered' | 'timeout' | 'released'

interface HeldQuery {
  readonly facts: HeldFacts
  readonly service: string
  readonly label: string
  readonly retry: Retry
  readonly finish: (reason: Reason, outcome: ReturnType<Retry>) => void
}

/** A service with held queries. */
interface HeldService {
  readonly namespace: string
  readonly name: string
  /** By the label of the endpoint. */
  readonly queries: Map<string, Set<HeldQuery>>
  /** The slices that were last inspected: no query waits for an endpoint in them. */
  slices: readonly EndpointSlice[]
}

export function createHoldQueue({ context, quota, clock, metrics }: HoldQueueOptions): HoldQueue {
  const cells = holdMetrics(metrics)
  const services = new Map<string, HeldService>()
  const dirty = new Set<HeldService>()
  /** Queries whose endpoint has appeared, or whose hold has ended. */
  const due = new Map<HeldQuery, 'answered' | 'released'>()
  const work = createCooperativeScheduler(clock).task(step)
  let subscription: { unsubscribe(): void } | undefined
  let closed = false

  function hold(query: Query, awaited: Awaited, milliseconds: number, retry: Retry) {
    const { namespace, service, label } = awaited
    const key = keyOf(namespace, service)
    const takeSlotAgain = query.releaseSlot!()
    const held = Promise.withResolvers<Outcome | undefined>()
    let timer: Timer | undefined
    const now = clock.now()
    const heldQuery: HeldQuery = {
      facts: { name: query.name, client: query.client.address, since: now, until: now + milliseconds },
      service: key,
      label,
      retry,
      finish(reason, outcome) {
        timer?.cancel()
        remove(heldQuery)
        quota.leave(key, query.client.address)
        cells.held.dec()
        cells.ended.with(reason).inc()
        takeSlotAgain()
        held.resolve(outcome)
      },
    }
    add(heldQuery, namespace, service)
    cells.held.inc()
    timer = clock.after(milliseconds, () => heldQuery.finish('timeout', undefined))
    return held.promise
  }

  function add(query: HeldQuery, namespace: string, name: string): void {
    const { service: key, label } = query
    let service = services.get(key)
    if (!service) {
      service = { namespace, name, queries: new Map(), slices: context().view.slices(namespace, name) }
      services.set(key, service)
    }
    const sameLabel = service.queries.get(label)
    if (sameLabel) sameLabel.add(query)
    else service.queries.set(label, new Set([query]))
  }

  function remove(query: HeldQuery): void {
    due.delete(query)
    const { service: key, label } = query
    const service = services.get(key)
    const sameLabel = service?.queries.get(label)
    sameLabel?.delete(query)
    if (sameLabel?.size === 0) service?.queries.delete(label)
    if (service?.queries.size === 0) {
      services.delete(key)
      dirty.delete(service)
    }
  }

  /** One piece of work; false when nothing is left. */
  function step(): boolean {
    for (const [query, reason] of due) {
      due.delete(query)
      const outcome = retried(query)
      // The endpoint may be gone again by now.
      if (outcome || reason === 'released') query.finish(reason, outcome)
      return true
    }
    for (const service of dirty) {
      dirty.delete(service)
      inspect(service)
      return true
    }
    return false
  }

  function inspect(service: HeldService): void {
    const { view, settings } = context()
    const { namespace, name, queries, slices: before } = service
    if (holdOf(context(), namespace, name) === undefined) {
      for (const sameLabel of queries.values()) for (const query of sameLabel) due.set(query, 'released')
      return
    }
    service.slices = view.slices(namespace, name)
    for (const slice of service.slices) {
      if (before.includes(slice)) continue
      for (let place = 0; place < slice.count; place++) {
        if (!isReady(slice, place)) continue
        const answerable = queries.get(endpointLabel(slice, place, settings.endpointPodNames))
        if (answerable) for (const query of answerable) due.set(query, 'answered')
      }
    }
  }

  function mark(service: HeldService): void {
    dirty.add(service)
    work.wake()
  }

  return {
    start(cluster) {
      subscription = cluster.subscribe('heldQueries', {
        service(namespace, name) {
          const service = services.get(keyOf(namespace, name))
          if (service) mark(service)
        },
        namespace(name) {
          for (const service of services.values()) if (service.namespace === name) mark(service)
        },
      })
    },
    wait(query, zone, retry) {
      if (!query.releaseSlot) return undefined
      const awaited = awaitedAt(context(), zone, query.name, query.qtype)
      if (!awaited) return undefined
      // The time that the query has already waited elsewhere counts.
      const milliseconds = query.receivedAt + awaited.milliseconds - clock.now()
      if (closed || milliseconds <= 0) return 'over'
      if (!quota.enter(keyOf(awaited.namespace, awaited.service), query.client.address)) {
        cells.ended.with('refused').inc()
        return 'over'
      }
      return hold(query, awaited, milliseconds, retry)
    },
    list(most) {
      const queries = [...services.values()].flatMap((service) => [...service.queries.values()])
      return {
        waiting: queries.reduce((sum, same) => sum + same.size, 0),
        list: queries
          .flatMap((same) => [...same])
          .slice(0, most)
          .map(({ facts }) => facts),
      }
    },
    close() {
      closed = true
      subscription?.unsubscribe()
      work.stop()
      const queries = [...services.values()].flatMap(({ queries }) =>
        [...queries.values()].flatMap((same) => [...same]),
      )
      for (const query of queries) query.finish('released', retried(query))
    },
  }
}

/** An exception is a bug: this query gets SERVFAIL, the others are not affected. */
function retried({ retry }: HeldQuery): ReturnType<Retry> {
  try {
    return retry()
  } catch (error) {
    return Promise.reject(error)
  }
}

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`

function holdMetrics(metrics: MetricsRegistry) {
  const held = metrics.gauge('slicedns_held_queries', 'Queries held until an endpoint appears.', []).with()
  const ended = metrics.counter(
    'slicedns_held_queries_total',
    'Held queries by outcome: answered, timeout, released (hold ended), refused (quota full).',
    ['outcome'],
  )
  // Shown from the start, so that `rate` and `increase` see the first event.
  for (const outcome of ['answered', 'timeout', 'released', 'refused']) ended.with(outcome)
  return { held, ended }
}
