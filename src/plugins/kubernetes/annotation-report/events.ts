/**
 * Annotations that are ignored as Kubernetes Events (core/v1) on their objects, so that `kubectl describe` shows them.
 *
 * All it needs is the right to create: the name of an Event follows from what it says, so of several replicas the first
 * creates it and the others find it there (409), and nothing has to be updated. The API server forgets Events after an
 * hour (`--event-ttl`); those that still hold are then created again.
 */
import { createHash } from 'node:crypto'
import type { ObjectProblem } from '../../../cluster-dns/annotations/problems.ts'
import { createBackoff, pause } from '../../../k8s/api/backoff.ts'
import { ApiFailure } from '../../../k8s/api/failure.ts'
import type { Cluster } from '../../../k8s/model/types.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import type { Logger } from '../../../telemetry/log.ts'
import { oneLine } from '../../../telemetry/quoted.ts'
import { createRateLimitedLog } from '../../../telemetry/rate-limited-log.ts'
import { type ProblemEvents, problemText } from './report.ts'

/** Events at a time. The log, the metrics and `explain` know of what is beyond. */
const mostEvents = 1_000
/** Milliseconds between two requests, after a few that may follow each other. */
const interval = 1_000
const burst = 10
/** Milliseconds after which those that still hold are created again; up to a tenth more, so that replicas do not meet. */
const lifetime = 3_600_000
/** Milliseconds until the next attempt where creating is not allowed: granting a right takes people. */
const forbiddenPause = 300_000
/** As events.k8s.io/v1 has it for its notes. */
const longestMessage = 1_024

interface Wanted {
  readonly id: string
  readonly problem: ObjectProblem
}

export interface EventDeps {
  readonly create: NonNullable<Cluster['create']>
  readonly log: Logger
  readonly clock: Clock
  /** Numbers in [0, 1). */
  readonly random?: () => number
}

export function createProblemEvents({ create, log, clock, random = Math.random }: EventDeps): ProblemEvents {
  const wanted = new Map<string, Wanted>()
  /** Of these: what has to be written. */
  const pending = new Set<Wanted>()
  const stopped = new AbortController()
  const backoff = createBackoff(clock, random)
  const outage = createRateLimitedLog('writing Events', log, clock)
  const forbidden = createRateLimitedLog('writing Events', log, clock, false)
  let working = false
  let overflowing = false

  function enqueue(event: Wanted): void {
    pending.add(event)
    if (!working) void work()
  }

  async function work(): Promise<void> {
    working = true
    let tokens = burst
    for (const event of pending) {
      const wait = await write(event)
      if (stopped.signal.aborted) return
      tokens = Math.max(0, tokens - 1)
      await pause(clock, Math.max(wait, tokens > 0 ? 0 : interval), stopped.signal)
    }
    working = false
  }

  /** Returns how long to wait before the next (ms). What could not be written stays, at the end of the queue. */
  async function write(event: Wanted): Promise<number> {
    pending.delete(event)
    const { path, object } = eventOf(event, new Date(clock.wall()))
    try {
      await create(path, object)
    } catch (error) {
      if (stopped.signal.aborted) return 0
      return failed(event, error instanceof ApiFailure ? error : new ApiFailure('broken', String(error)))
    }
    outage.over()
    forbidden.over()
    return 0
  }

  function failed(event: Wanted, failure: ApiFailure): number {
    const { reason, message } = failure
    // The object's namespace is gone or going, or the API server takes no such Event: once more would not help.
    if (reason === 'missing' || reason === 'refused' || /is being terminated/.test(message)) {
      log.debug(`an Event was not written: ${message}`)
      return 0
    }
    if (wanted.get(event.id) === event) pending.add(event)
    if (reason === 'forbidden') {
      const rule = 'apiGroups: [""], resources: ["events"], verbs: ["create"]'
      forbidden.failed(`events: may not create events: the ClusterRole needs the rule {${rule}}; ${message}`)
      return forbiddenPause
    }
    const wait = failure.retryAfter ?? backoff.next()
    if (backoff.failures > 2) outage.failed(`events: cannot create Events: ${message}`)
    return wait
  }

  const renewal = clock.every(lifetime * (1 + random() / 10), () => {
    for (const event of wanted.values()) enqueue(event)
  })

  return {
    add(id, problem) {
      if (wanted.size >= mostEvents) {
        if (!overflowing) log.warning(`events: no more than ${mostEvents} ignored annotations are told by Events`)
        overflowing = true
        return
      }
      const event = { id, problem }
      wanted.set(id, event)
      enqueue(event)
    },
    remove(id) {
      const event = wanted.get(id)
      if (event) pending.delete(event)
      wanted.delete(id)
      if (wanted.size < mostEvents / 2) overflowing = false
    },
    stop() {
      stopped.abort()
      renewal.cancel()
      wanted.clear()
      pending.clear()
    },
  }
}

const kinds = { Service: 'v1', Namespace: 'v1', EndpointSlice: 'discovery.k8s.io/v1' } as const

function eventOf({ id, problem }: Wanted, now: Date): { readonly path: string; readonly object: object } {
  const { kind, namespace, name, uid } = problem
  // Events of objects without a namespace belong into `default`.
  const home = namespace === '' ? 'default' : namespace
  // An object that was made anew has another uid, by which `kubectl describe` looks for its Events.
  const suffix = createHash('sha256')
    .update(`${id} ${uid ?? ''}`)
    .digest('hex')
    .slice(0, 16)
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z')
  return {
    path: `/api/v1/namespaces/${home}/events`,
    object: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace: home, name: `${name.slice(0, 230)}.${suffix}` },
      involvedObject: {
        apiVersion: kinds[kind],
        kind,
        name,
        ...(namespace === '' ? {} : { namespace }),
        ...(uid === undefined ? {} : { uid }),
      },
      ...(problem.problem.reason === 'advice'
        ? { type: 'Normal', reason: 'AnnotationAdvice' }
        : { type: 'Warning', reason: 'AnnotationIgnored' }),
      message: oneLine(problemText(problem), longestMessage - 1),
      source: { component: 'slicedns' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    },
  }
}
