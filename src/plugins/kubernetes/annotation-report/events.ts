/**
 * Reports ignored annotations as Kubernetes Events (core/v1) on their objects, so that `kubectl describe` shows them.
 *
 * It needs only the right to create Events: an Event's name is derived from its content, so the first of several
 * replicas creates it, the others get 409, and nothing has to be updated. The API server deletes Events after an hour
 * (`--event-ttl`); Events of problems that remain are then created again.
 */
import { createHash } from 'node:crypto'
import type { ObjectProblem } from '../../../cluster-dns/annotations/problems.ts'
import { createBackoff } from '../../../k8s/api/backoff.ts'
import { ApiFailure } from '../../../k8s/api/failure.ts'
import type { Cluster } from '../../../k8s/model/cluster.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import { pause } from '../../../scheduling/pause.ts'
import type { Logger } from '../../../telemetry/log.ts'
import { oneLine } from '../../../telemetry/quoted.ts'
import { createRateLimitedLog } from '../../../telemetry/rate-limited-log.ts'
import { type ProblemEvents, problemText } from './report.ts'

/** Bound on Events. The log, the metrics and `explain` report further problems, too. */
const maxEvents = 1_000
/** Milliseconds between two requests, after a burst. */
const interval = 1_000
const burst = 10
/**
 * Milliseconds after which Events of remaining problems are created again; up to a tenth more, to spread out replicas.
 */
const lifetime = 3_600_000
/** Milliseconds until the next attempt after a 403: a person has to grant the right. */
const forbiddenPause = 300_000
/** Characters, as for the note of an events.k8s.io/v1 Event. */
const maxMessage = 1_024

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
  /** The Events of `wanted` that are to be created. */
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

  /** Returns milliseconds until the next request. An Event that could not be written goes to the end of the queue. */
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
    // The object's namespace is gone or terminating, or the API server refuses the Event: a retry would not help.
    if (reason === 'missing' || reason === 'refused' || /is being terminated/.test(message)) {
      log.debug(`creating an Event failed: ${message}`)
      return 0
    }
    if (wanted.get(event.id) === event) pending.add(event)
    if (reason === 'forbidden') {
      const rule = 'apiGroups: [""], resources: ["events"], verbs: ["create"]'
      forbidden.failed(`events: creating Events is forbidden: the ClusterRole needs the rule {${rule}}; ${message}`)
      return forbiddenPause
    }
    const wait = failure.retryAfter ?? backoff.next()
    if (backoff.failures > 2) outage.failed(`events: creating Events failed: ${message}`)
    return wait
  }

  const renewal = clock.every(lifetime * (1 + random() / 10), () => {
    for (const event of wanted.values()) enqueue(event)
  })

  return {
    add(id, problem) {
      if (wanted.size >= maxEvents) {
        if (!overflowing)
          log.warning(`events: limit reached: reporting only ${maxEvents} ignored annotations as Events`)
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
      if (wanted.size < maxEvents / 2) overflowing = false
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
  // Events of objects without a namespace belong in `default`.
  const home = namespace === '' ? 'default' : namespace
  // A recreated object has another uid, and `kubectl describe` looks for Events by uid.
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
      message: oneLine(problemText(problem), maxMessage - 1),
      source: { component: 'slicedns' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    },
  }
}
