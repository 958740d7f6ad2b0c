/**
 * Keeps one resource of the model equal to the API server's: a list, then a watch from where the list ended, forever.
 *
 *   listing (whole, streaming, or in pages) ──complete──▶ watching
 *        ▲   ▲                                               │
 *        │   └────── version expired, too many failures ─────┤
 *        └──────────────── backingOff ◀──── failure ─────────┘
 *
 * It is used instead of client-node's informer, which stops for good at a connection error, keeps whole objects, ignores
 * bookmarks and opens a TLS connection per watch. The rules:
 * - served objects are never cleared: a list marks and sweeps;
 * - time never goes back: a list requests nothing older than what was seen;
 * - every failure is retried, at a pace that a server in trouble survives (retry-policy.ts, shared-waits.ts,
 *   connection.ts).
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import { MalformedObject } from '../decode/draft.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { WatchEvent } from '../decode/wire.ts'
import type { ClusterConfig } from '../model/config.ts'
import type { Resource } from '../model/types.ts'
import type { Connection } from './connection.ts'
import { ApiFailure, describeFailure, isUnreachable } from './failure.ts'
import { createListWatch, type EventStream, type RequestParameters } from './list-watch.ts'
import type { WatchMeter } from './metrics.ts'
import { versionNumber } from './object-versions.ts'
import { apiResources, requestPath } from './resources.ts'
import { createRetryPolicy, endsEarly } from './retry-policy.ts'
import type { Session } from './session.ts'
import type { EndsEarly, Waits } from './shared-waits.ts'
import { statusFailure } from './status-failure.ts'
import type { StoreUpdater } from './store-updater.ts'
import type { WatchErrorReporter } from './watch-error-reporter.ts'

export interface ReflectorDeps {
  readonly config: ClusterConfig
  readonly connection: Connection
  readonly reducer: Reducer
  readonly store: StoreUpdater
  readonly scheduler: CooperativeScheduler
  readonly meter: WatchMeter
  readonly errors: WatchErrorReporter
  readonly waits: Waits
  readonly log: Logger
  readonly clock: Clock
  /** The resource has been listed. */
  readonly synced: () => void
  /** Called before anything is read from a session, which may be another cluster's. Rejects with ApiFailure to retry. */
  readonly identified: (session: Session) => Promise<void>
}

export interface Reflector {
  /** Resolves when `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Path and query of a request with these parameters, in the API version in use. */
  pathOf(parameters: RequestParameters, namespace?: string): string
  /** The resource has been listed, and the watch is established or about to be. */
  readonly watching: boolean
  /** Whether the watch has sent everything up to this resourceVersion; false if that is not a number. */
  hasReached(resourceVersion: string): boolean
  /** Ends the watch and lists again from etcd: the API server's watch cache itself may be wrong. */
  relist(): void
}

interface Listing {
  readonly kind: 'listing'
  /**
   * The first list is `whole`: one response from the API server's cache, as client-go requests it, which avoids an event and
   * a frame per object. It may be slightly stale, so every later list, and one after a failure, is streamed. Servers that do
   * not stream lists are asked for pages.
   */
  readonly how: 'whole' | 'streaming' | 'paged'
  /** The resourceVersion up to which everything was seen before; '' if nothing was. */
  readonly seen: string
  /** `any`: the server lags behind what was seen, so accept what it has. */
  readonly atLeast: 'seen' | 'any'
}

interface Watching {
  readonly kind: 'watching'
  /** The resourceVersion up to which the model is complete. */
  seen: string
}

interface BackingOff {
  readonly kind: 'backingOff'
  readonly milliseconds: number
  readonly endsEarly: EndsEarly
  readonly next: Listing | Watching
}

type State = Listing | Watching | BackingOff

const second = 1000
/** Milliseconds: a watch that ends sooner counts as failed, even if it ended cleanly. */
const shortestWatch = 10 * second
/** Milliseconds after which a watch counts as accepted rather than as a response that was cut off. */
const standingAfter = second
/** Maximum interval between checks whether a custom resource has been installed; the minimum is half of it. */
const definitionInterval = 30 * second

export function createReflector(resource: Resource, deps: ReflectorDeps): Reflector {
  const { config, connection, reducer, store, scheduler, meter, errors, waits, clock } = deps
  const retries = createRetryPolicy(clock)
  let state: State = { kind: 'listing', how: 'whole', seen: '', atLeast: 'seen' }
  let lists = 0
  /** Aborts the current attempt. */
  let interrupt = new AbortController()
  const versions = apiResources[resource].paths.length
  /** Index of the API version in use, and the number of versions in a row that the server did not have. */
  let version = 0
  let missingVersions = 0

  const pathOf: Reflector['pathOf'] = (parameters, namespace) =>
    requestPath(resource, version, config, parameters, namespace)
  const requests = createListWatch({ resource, connection, reducer, scheduler, clock, pathOf, alive: meter.alive })

  const beginList = (): void => {
    store.beginList()
    if (lists++ > 0) meter.relisted()
  }

  const completeList = async (version: string): Promise<void> => {
    await store.endList()
    state = { kind: 'watching', seen: version }
    succeeded()
    deps.synced()
  }

  const succeeded = (): void => {
    missingVersions = 0
    retries.succeeded()
    errors.over()
    waits.works()
  }

  /** Lists as the first events of a watch, which then continues. */
  const streamList = async (listing: Listing, session: Session, signal: AbortSignal): Promise<void> => {
    const { seen, atLeast } = listing
    let events: EventStream
    try {
      events = await requests.streamList(atLeast === 'any' ? '' : seen, session, signal)
    } catch (error) {
      if (!(error instanceof ApiFailure && error.reason === 'refused')) throw error
      deps.log.debug(`${resource}: the server does not stream lists (${error.message}): listing in pages`)
      state = { ...listing, how: 'paged' }
      return
    }
    beginList()
    // A list until the bookmark that completes it, then a watch.
    const isComplete = (): boolean => state.kind === 'watching'
    try {
      await events.read(takeEvent, isComplete)
    } catch (error) {
      // A server that ignores the parameters never sends that bookmark.
      if (!isComplete() && error instanceof ApiFailure && error.reason === 'silent') {
        state = { ...listing, how: 'paged' }
      }
      throw error
    }
    if (!isComplete()) throw new ApiFailure('broken', `${connection.name}: the list of ${resource} was cut short`)
  }

  const list = async ({ how }: Listing, session: Session, signal: AbortSignal): Promise<void> => {
    const sink = { begin: beginList, listed: store.listed }
    await completeList(await requests.list(how === 'whole' ? 'whole' : 'paged', session, signal, sink))
  }

  const watch = async ({ seen }: Watching, session: Session, signal: AbortSignal): Promise<void> => {
    const events = await requests.watch(seen, session, signal)
    meter.alive()
    const startedAt = clock.now()
    const standing = clock.after(standingAfter, waits.works)
    const proven = clock.after(shortestWatch, succeeded)
    try {
      await events.read(takeEvent)
    } finally {
      standing.cancel()
      proven.cancel()
    }
    if (clock.now() - startedAt < shortestWatch) {
      throw new ApiFailure('broken', `${connection.name}: the watch of ${resource} ended at once`)
    }
  }

  const takeEvent = ({ type, object }: WatchEvent): void | Promise<void> => {
    switch (type) {
      case 'ERROR':
        throw statusFailure(object.status(), connection.name, undefined)
      case 'BOOKMARK': {
        const meta = object.meta()
        if (state.kind !== 'watching' && meta.initialEventsEnd) return completeList(meta.resourceVersion)
        return advance(meta.resourceVersion)
      }
      case 'DELETED':
        return advance(store.deleted(object))
      case 'ADDED':
      case 'MODIFIED':
        return state.kind === 'watching' ? advance(store.changed(object)) : store.listed(object)
    }
  }

  /** During a list versions arrive in any order; only its end gives a position. */
  const advance = (version: string): void => {
    if (state.kind === 'watching' && version !== '') state.seen = version
  }

  /** A custom resource without a known API version has no objects. It may be installed later. */
  const findVersion = async (): Promise<void> => {
    version = (version + 1) % versions
    if (++missingVersions < versions) {
      const seen = state.kind === 'backingOff' ? '' : state.seen
      state = { kind: 'listing', how: 'streaming', seen, atLeast: 'seen' }
      return
    }
    beginList()
    await completeList('')
    const next: Listing = { kind: 'listing', how: 'streaming', seen: '', atLeast: 'seen' }
    state = { kind: 'backingOff', milliseconds: definitionInterval * (1 - Math.random() / 2), endsEarly: 'never', next }
  }

  const recover = (failure: ApiFailure): void => {
    meter.failed(failure.reason)
    waits.failed()
    // The connection logs these failures and delays the next attempt.
    if (isUnreachable(failure) || state.kind === 'backingOff') return
    const { wait, resume } = retries.after(failure)
    errors.failed(failure, retries.failures)
    const milliseconds = connection.recovering && failure.retryAfter === undefined ? Math.min(wait, second) : wait
    const how = state.kind === 'listing' && state.how === 'paged' ? 'paged' : 'streaming'
    const isWhole = state.kind === 'listing' && state.how === 'whole'
    const next: Listing | Watching =
      resume === 'watch' && !isWhole
        ? state
        : { kind: 'listing', how, seen: state.seen, atLeast: resume === 'any' ? 'any' : 'seen' }
    state = { kind: 'backingOff', milliseconds, endsEarly: endsEarly(failure, next.kind), next }
  }

  const failureOf = (error: unknown): ApiFailure =>
    error instanceof MalformedObject
      ? new ApiFailure('malformed', `${connection.name}: ${resource}: ${error.message}`)
      : describeFailure(error, connection.name)

  const attempt = async (current: Listing | Watching, signal: AbortSignal): Promise<void> => {
    const session = await connection.session(signal)
    await deps.identified(session)
    if (current.kind === 'watching') return watch(current, session, signal)
    return current.how === 'streaming' ? streamList(current, session, signal) : list(current, session, signal)
  }

  return {
    pathOf,
    get watching() {
      return state.kind === 'watching'
    },
    hasReached(resourceVersion) {
      const seen = state.kind === 'watching' ? versionNumber(state.seen) : undefined
      const wanted = versionNumber(resourceVersion)
      return seen !== undefined && wanted !== undefined && seen >= wanted
    },
    relist() {
      if (state.kind !== 'watching') return
      state = { kind: 'listing', how: 'paged', seen: state.seen, atLeast: 'seen' }
      interrupt.abort()
    },
    async run(signal) {
      while (!signal.aborted) {
        if (state.kind === 'backingOff') {
          await waits.wait(state.milliseconds, state.endsEarly, signal)
          state = state.next
          continue
        }
        interrupt = new AbortController()
        try {
          await attempt(state, AbortSignal.any([signal, interrupt.signal]))
        } catch (error) {
          if (signal.aborted) return
          if (interrupt.signal.aborted) continue
          const failure = failureOf(error)
          if (failure.reason === 'missing' && apiResources[resource].custom) await findVersion()
          else recover(failure)
        }
      }
    },
  }
}
