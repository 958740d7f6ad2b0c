/**
 * The waiting room of questions for endpoints that are not there yet (`slicedns.io/hold`). Events only mark the service;
 * what has appeared is answered from the microtask after the event on, in slices. Everything is bounded: who waits, how
 * many, and how long.
 */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { type Awaited, awaitedAt, holdOf } from '../../../cluster-dns/features/hold/awaited.ts'
import { endpointLabel, isReady } from '../../../cluster-dns/lookup/endpoints.ts'
import type { Cluster, EndpointSlice } from '../../../k8s/model/types.ts'
import type { Outcome, Query } from '../../../plugin/query.ts'
import type { Clock, Timer } from '../../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../../scheduling/cooperative-scheduler.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import type { HoldQuota } from './quota.ts'

/** What the question is answered as things are; undefined while the name is missing. */
type Look = () => Outcome | Promise<Outcome> | undefined

export interface HoldQueue {
  /** Begins to follow the cluster. */
  start(cluster: Pick<Cluster, 'subscribe'>): void
  /**
   * For a missing name: resolves to what `look` says once it is there, or to undefined when it has been waited for in
   * vain. `over` where that is so already: the time is up, or too many wait. Undefined for a name that nobody waits for.
   */
  wait(query: Query, zone: string, look: Look): Promise<Outcome | undefined> | 'over' | undefined
  /** Lets everyone go, and nobody in from now on. */
  close(): void
}

export interface HoldQueueOptions {
  readonly context: () => ClusterContext
  readonly quota: HoldQuota
  readonly clock: Clock
  readonly metrics: MetricsRegistry
}

type Reason = 'answered' | 'timeout' | 'released'

interface Waiter {
  readonly service: string
  readonly label: string
  readonly look: Look
  readonly finish: (reason: Reason, outcome: ReturnType<Look>) => void
}

/** A service with questions that wait. */
interface Service {
  readonly namespace: string
  readonly name: string
  readonly waiters: Map<string, Set<Waiter>>
  /** As they were looked at last: none of their endpoints is waited for. */
  slices: readonly EndpointSlice[]
}

export function createHoldQueue({ context, quota, clock, metrics }: HoldQueueOptions): HoldQueue {
  const cells = holdMetrics(metrics)
  const services = new Map<string, Service>()
  const dirty = new Set<Service>()
  /** Their endpoint is there, or will not be waited for any longer. */
  const due = new Map<Waiter, 'answered' | 'released'>()
  const work = createCooperativeScheduler(clock).task(step)
  let subscription: { unsubscribe(): void } | undefined
  let closed = false

  function enter(query: Query, awaited: Awaited, milliseconds: number, look: Look) {
    const { namespace, service, label } = awaited
    const key = keyOf(namespace, service)
    const comeBack = query.releaseSlot!()
    const left = Promise.withResolvers<Outcome | undefined>()
    let timer: Timer | undefined
    const waiter: Waiter = {
      service: key,
      label,
      look,
      finish(reason, outcome) {
        timer?.cancel()
        remove(waiter)
        quota.leave(key, query.client.address)
        cells.held.dec()
        cells.ended.with(reason).inc()
        comeBack()
        left.resolve(outcome)
      },
    }
    add(waiter, namespace, service)
    cells.held.inc()
    timer = clock.after(milliseconds, () => waiter.finish('timeout', undefined))
    return left.promise
  }

  function add(waiter: Waiter, namespace: string, name: string): void {
    const { service: key, label } = waiter
    let service = services.get(key)
    if (!service) {
      service = { namespace, name, waiters: new Map(), slices: context().view.slices(namespace, name) }
      services.set(key, service)
    }
    const others = service.waiters.get(label)
    if (others) others.add(waiter)
    else service.waiters.set(label, new Set([waiter]))
  }

  function remove(waiter: Waiter): void {
    due.delete(waiter)
    const { service: key, label } = waiter
    const service = services.get(key)
    const same = service?.waiters.get(label)
    same?.delete(waiter)
    if (same?.size === 0) service?.waiters.delete(label)
    if (service?.waiters.size === 0) {
      services.delete(key)
      dirty.delete(service)
    }
  }

  /** One piece of work; false when nothing is left. */
  function step(): boolean {
    for (const [waiter, reason] of due) {
      due.delete(waiter)
      const outcome = lookFor(waiter)
      // It may have gone again before its turn came.
      if (outcome || reason === 'released') waiter.finish(reason, outcome)
      return true
    }
    for (const service of dirty) {
      dirty.delete(service)
      inspect(service)
      return true
    }
    return false
  }

  function inspect(service: Service): void {
    const { view, settings } = context()
    const { namespace, name, waiters, slices: before } = service
    if (holdOf(context(), namespace, name) === undefined) {
      for (const same of waiters.values()) for (const waiter of same) due.set(waiter, 'released')
      return
    }
    service.slices = view.slices(namespace, name)
    for (const slice of service.slices) {
      if (before.includes(slice)) continue
      for (let place = 0; place < slice.count; place++) {
        if (!isReady(slice, place)) continue
        const there = waiters.get(endpointLabel(slice, place, settings.endpointPodNames))
        if (there) for (const waiter of there) due.set(waiter, 'answered')
      }
    }
  }

  function mark(service: Service): void {
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
    wait(query, zone, look) {
      if (!query.releaseSlot) return undefined
      const awaited = awaitedAt(context(), zone, query.name, query.qtype)
      if (!awaited) return undefined
      // A query that something else has kept waiting has used up some of its time.
      const milliseconds = query.receivedAt + awaited.milliseconds - clock.now()
      if (closed || milliseconds <= 0) return 'over'
      if (!quota.enter(keyOf(awaited.namespace, awaited.service), query.client.address)) {
        cells.ended.with('refused').inc()
        return 'over'
      }
      return enter(query, awaited, milliseconds, look)
    },
    close() {
      closed = true
      subscription?.unsubscribe()
      work.stop()
      for (const { waiters } of [...services.values()]) {
        for (const same of [...waiters.values()])
          for (const waiter of [...same]) waiter.finish('released', lookFor(waiter))
      }
    },
  }
}

/** A throw is our bug, and costs the one who waited a SERVFAIL, not the others their answers. */
function lookFor({ look }: Waiter): ReturnType<Look> {
  try {
    return look()
  } catch (error) {
    return Promise.reject(error)
  }
}

const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`

function holdMetrics(metrics: MetricsRegistry) {
  const held = metrics.gauge('slicedns_held_queries', 'Queries that wait for an endpoint to appear.', []).with()
  const ended = metrics.counter(
    'slicedns_held_queries_total',
    'Queries for an endpoint that was not there yet, by what became of them.',
    ['outcome'],
  )
  return { held, ended }
}
