/**
 * Keeps one resource of the model equal to the API server's: a list, then a watch from where the list ended, for ever.
 *
 *   listing (whole, streaming, or in pages) ──complete──▶ watching
 *        ▲   ▲                                               │
 *        │   └────── version expired, too many failures ─────┤
 *        └──────────────── backingOff ◀──── failure ─────────┘
 *
 * This is ours and not client-node's informer, which stops for good at a connection error, keeps whole objects, ignores
 * bookmarks and opens a TLS connection per watch. The rules:
 * - what is served is never cleared: a list marks and sweeps;
 * - time never goes back: a list asks for nothing older than what was seen;
 * - whatever fails is tried again, at a pace that a struggling server survives (retry-policy.ts, connection.ts).
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { pause } from '../../scheduling/pause.ts'
import type { Logger } from '../../telemetry/log.ts'
import { MalformedObject } from '../decode/draft.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { WatchEvent } from '../decode/wire.ts'
import type { ClusterConfig, Resource } from '../model/types.ts'
import { acceptList, acceptWatch, type BodyLimits, listReader, readItems, readStatus, watchReader } from './body.ts'
import type { Connection } from './connection.ts'
import { ApiFailure, describeFailure, isUnreachable } from './failure.ts'
import type { WatchMeter } from './metrics.ts'
import { versionNumber } from './object-versions.ts'
import { apiResources, requestPath } from './resources.ts'
import { createRetryPolicy } from './retry-policy.ts'
import type { ApiResponse, Session } from './session.ts'
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
  readonly log: Logger
  readonly clock: Clock
  /** The resource has been listed. */
  readonly synced: () => void
}

export interface Reflector {
  /** Resolves when `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
  /** Path and query of a request with these parameters, in the API version in use. */
  pathOf(parameters: Parameters<typeof requestPath>[3]): string
  /** The resource has been listed, and the watch stands or is about to. */
  readonly watching: boolean
  /** The watch has sent everything up to this resourceVersion; false where that is not a number. */
  hasReached(resourceVersion: string): boolean
  /** Ends the watch and lists everything anew, from etcd itself: what the API server watches out of may be what is wrong. */
  relist(): void
}

interface Listing {
  readonly kind: 'listing'
  /**
   * The first list is `whole`: one response out of the API server's cache, as client-go asks for it, which spares us
   * an event and a frame for each object. It may be a moment old, so every later list, and one after a failure, is streamed.
   * Some servers do not stream lists: then the list comes in pages.
   */
  readonly how: 'whole' | 'streaming' | 'paged'
  /** The resourceVersion up to which everything has been seen before; '' where nothing has. */
  readonly seen: string
  /** `any`: the server is behind what was seen, so take what it has. */
  readonly atLeast: 'seen' | 'any'
}

interface Watching {
  readonly kind: 'watching'
  /** The resourceVersion up to which the model has everything. */
  seen: string
}

interface BackingOff {
  readonly kind: 'backingOff'
  readonly milliseconds: number
  readonly next: Listing | Watching
}

type State = Listing | Watching | BackingOff

const second = 1000
const minute = 60 * second
/** Milliseconds that the API server is asked to keep a watch: 5 to 10 minutes, so that replicas do not come in step. */
const watchTime = () => (5 + 5 * Math.random()) * minute
/** HTTP/1.1 has no pings, so its watches are short: one that does not end in time was dead. Resuming costs one request. */
const shortWatchTime = () => (20 + 5 * Math.random()) * second
/** Added to the requested time before the watch counts as dead. */
const grace = 5 * second
/** A list without an octet for so long is given up. */
const listSilence = 30 * second
/** The API server sends a bookmark every minute: a watch without any is frozen, whatever the connection says. */
const watchSilence = 2.5 * minute
/** A watch that ends sooner counts as failed, even when it ended cleanly. */
const shortestWatch = 10 * second
/** Objects of one page, as client-go asks. */
const pageSize = 500
/** Pages of one list: some server's pages may never end. */
const maxPages = 2000
/** How often to look whether a custom resource has been installed: at most, and at least half of it. */
const definitionInterval = 30 * second

export function createReflector(resource: Resource, deps: ReflectorDeps): Reflector {
  const { config, connection, reducer, store, scheduler, meter, errors, clock } = deps
  const retries = createRetryPolicy(clock)
  let state: State = { kind: 'listing', how: 'whole', seen: '', atLeast: 'seen' }
  let lists = 0
  /** Ends the attempt under way. */
  let interrupt = new AbortController()
  const versions = apiResources[resource].paths.length
  /** The API version in use, and how many in a row the server did not have. */
  let version = 0
  let missingVersions = 0

  const request = async (
    session: Session,
    parameters: Parameters<typeof requestPath>[3],
    accept: string,
    signal: AbortSignal,
  ): Promise<ApiResponse> => {
    const response = await connection.get(session, pathOf(parameters), accept, signal)
    if (response.status === 200) return response
    throw statusFailure(await readStatus(response, reducer), connection.name, response.retryAfter)
  }

  const readWatch = (response: ApiResponse, limits: BodyLimits): Promise<void> =>
    readItems(response, watchReader(response, reducer), takeEvent, limits, reading())

  const reading = () => ({ clock, scheduler, name: connection.name, alive: meter.alive })

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
  }

  /** A list as the first events of a watch, which then goes on. */
  const streamList = async (listing: Listing, session: Session, signal: AbortSignal): Promise<void> => {
    const { seen, atLeast } = listing
    const time = watchTime()
    const parameters = {
      watch: true,
      sendInitialEvents: true,
      // Without the first the request is Invalid, without the second the end of the list is never marked.
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
      resourceVersion: atLeast === 'any' ? '' : seen,
      timeoutSeconds: Math.round(time / second),
    }
    let response: ApiResponse
    try {
      response = await request(session, parameters, acceptWatch, signal)
    } catch (error) {
      if (!(error instanceof ApiFailure && error.reason === 'refused')) throw error
      deps.log.debug(`${resource}: the server does not stream lists (${error.message}): listing in pages`)
      state = { ...listing, how: 'paged' }
      return
    }
    beginList()
    // Until the bookmark that completes it a list, then a watch.
    const isComplete = (): boolean => state.kind === 'watching'
    const limits = { silence: () => (isComplete() ? watchSilenceOf(session) : listSilence), total: time + grace }
    try {
      await readWatch(response, limits)
    } catch (error) {
      // A server that ignores the parameters sends no such bookmark.
      if (!isComplete() && error instanceof ApiFailure && error.reason === 'silent') {
        state = { ...listing, how: 'paged' }
      }
      throw error
    }
    if (!isComplete()) throw new ApiFailure('broken', `${connection.name}: the list of ${resource} was cut short`)
  }

  const listPages = async ({ how }: Listing, session: Session, signal: AbortSignal): Promise<void> => {
    let token = ''
    for (let page = 0; page < maxPages; page++) {
      // `0` means what the cache has, whatever the limit; unset means the latest.
      const isWhole = how === 'whole' && token === ''
      const parameters = isWhole ? { resourceVersion: '0' } : { limit: pageSize, continue: token }
      const response = await request(session, parameters, acceptList, signal)
      if (token === '') beginList()
      const reader = listReader(response, reducer)
      await readItems(response, reader, store.listed, { silence: () => listSilence, total: 10 * minute }, reading())
      const facts = finishList(reader.finish)
      // `{}` from a proxy would read as a cluster without objects.
      if (facts.resourceVersion === '') {
        throw new ApiFailure('broken', `${connection.name}: the list of ${resource} has no resourceVersion`)
      }
      if (facts.continueToken === '') return completeList(facts.resourceVersion)
      token = facts.continueToken
    }
    throw new ApiFailure('oversized', `${connection.name}: the list of ${resource} has more than ${maxPages} pages`)
  }

  const finishList = <T>(finish: () => T): T => {
    try {
      return finish()
    } catch (error) {
      throw new ApiFailure('broken', `${connection.name}: ${resource}: ${(error as Error).message}`)
    }
  }

  const watch = async ({ seen }: Watching, session: Session, signal: AbortSignal): Promise<void> => {
    const time = session.protocol === 'h2' ? watchTime() : shortWatchTime()
    const parameters = {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: seen,
      timeoutSeconds: Math.round(time / second),
    }
    const response = await request(session, parameters, acceptWatch, signal)
    meter.alive()
    const startedAt = clock.now()
    const proven = clock.after(shortestWatch, succeeded)
    try {
      await readWatch(response, { silence: () => watchSilenceOf(session), total: time + grace })
    } finally {
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

  /** During a list the versions come in any order; only its end says where it stands. */
  const advance = (version: string): void => {
    if (state.kind === 'watching' && version !== '') state.seen = version
  }

  /** A custom resource whose definition has no version that is known here has no objects. It may be installed later. */
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
    state = { kind: 'backingOff', milliseconds: definitionInterval * (1 - Math.random() / 2), next }
  }

  const recover = (failure: ApiFailure): void => {
    meter.failed(failure.reason)
    // The connection logs that, and waits before it tries again.
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
    state = { kind: 'backingOff', milliseconds, next }
  }

  const failureOf = (error: unknown): ApiFailure =>
    error instanceof MalformedObject
      ? new ApiFailure('malformed', `${connection.name}: ${resource}: ${error.message}`)
      : describeFailure(error, connection.name)

  const attempt = async (current: Listing | Watching, signal: AbortSignal): Promise<void> => {
    const session = await connection.session(signal)
    if (current.kind === 'watching') return watch(current, session, signal)
    return current.how === 'streaming' ? streamList(current, session, signal) : listPages(current, session, signal)
  }

  const pathOf: Reflector['pathOf'] = (parameters) => requestPath(resource, version, config, parameters)

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
          await pause(clock, state.milliseconds, signal)
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

function watchSilenceOf(session: Session): number {
  return session.protocol === 'h2' ? watchSilence : listSilence
}
