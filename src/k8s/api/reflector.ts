/**
 * Keeps one resource of the model equal to the API server's: a list, then a watch from where the list ended, for ever.
 *
 * Ours and not client-node's informer, which stops for good at a connection error, keeps whole objects, ignores
 * bookmarks and opens a TLS connection per watch. What it holds to:
 * - what is served is never cleared: a list marks and sweeps;
 * - time never goes back: a list asks for nothing older than what was seen;
 * - whatever fails is tried again, at a pace that a struggling server survives (backoff.ts, connection.ts).
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import { MalformedObject } from '../decode/draft.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { WatchEvent } from '../decode/wire.ts'
import type { ClusterConfig, Resource } from '../model/types.ts'
import { createBackoff, pause } from './backoff.ts'
import { acceptList, acceptWatch, type BodyLimits, listReader, readItems, readStatus, watchReader } from './body.ts'
import type { Connection } from './connection.ts'
import { ApiFailure, describeFailure, type FailureReason, isUnreachable } from './failure.ts'
import type { WatchMeter } from './metrics.ts'
import { apiResources, requestPath } from './resources.ts'
import type { ApiResponse, Session } from './session.ts'
import { statusFailure } from './status-failure.ts'
import type { StoreUpdater } from './store-updater.ts'
import type { WatchErrorReporter } from './watch-error-reporter.ts'

export interface ReflectorDeps {
  readonly config: ClusterConfig
  readonly connection: Connection
  readonly reducer: Reducer
  readonly intake: StoreUpdater
  readonly pacer: CooperativeScheduler
  readonly meter: WatchMeter
  readonly trouble: WatchErrorReporter
  readonly log: Logger
  readonly clock: Clock
  /** The resource has been listed. */
  readonly synced: () => void
}

const second = 1000
const minute = 60 * second
/** Milliseconds that the API server is asked to keep a watch: 5 to 10 minutes, so that replicas do not come in step. */
const watchTime = () => (5 + 5 * Math.random()) * minute
/** HTTP/1.1 has no pings: short watches, and one that does not end in time was dead. Going on costs one request. */
const shortWatchTime = () => (20 + 5 * Math.random()) * second
/** Added to the time asked for before the watch is taken for dead. */
const grace = 5 * second
/** A list that stalls so long is given up. */
const listSilence = 30 * second
/** The API server sends a bookmark every minute: a watch without any is frozen, whatever the connection says. */
const watchSilence = 2.5 * minute
/** A watch that lives shorter did not work, even if it ended in good order. */
const shortestWatch = 10 * second
/** Objects of one page, as client-go asks. */
const pageSize = 500
/** Watches that fail in a row before the list is taken anew: something may be wrong with where we are. */
const patience = 5
/** How often it is looked whether a custom resource has been installed: at most, and at least half of it. */
const definitionInterval = 30 * second

export interface Reflector {
  /** Resolves when `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
}

export function createReflector(resource: Resource, deps: ReflectorDeps): Reflector {
  const { config, connection, reducer, intake, pacer, meter, trouble, clock } = deps
  const backoff = createBackoff(clock)
  /** resourceVersion up to which everything has been seen; '' before the first list. */
  let position = ''
  /** The model has everything up to `position`: a watch can go on from there. */
  let listed = false
  /** The server does not stream this list: it comes in pages. */
  let paged = false
  /** The server is behind `position`: take what it has. */
  let anyVersion = false
  /** Failures since something worked. */
  let failed = 0
  const failedAt = new Map<FailureReason, number>()
  let lists = 0

  const request = async (
    session: Session,
    parameters: Parameters<typeof requestPath>[2],
    accept: string,
    signal: AbortSignal,
  ): Promise<ApiResponse> => {
    const response = await connection.get(session, requestPath(resource, config, parameters), accept, signal)
    if (response.status === 200) return response
    throw statusFailure(await readStatus(response, reducer), connection.name, response.retryAfter)
  }

  const reading = () => ({ clock, pacer, name: connection.name, alive: meter.alive })

  const began = (): void => {
    intake.beginList()
    if (lists++ > 0) meter.relisted()
  }

  const complete = async (version: string): Promise<void> => {
    await intake.endList()
    position = version
    listed = true
    paged = false
    anyVersion = false
    works()
    deps.synced()
  }

  const works = (): void => {
    failed = 0
    trouble.over()
  }

  /** A list as the first events of a watch, which then goes on. */
  const streamList = async (session: Session, signal: AbortSignal): Promise<void> => {
    const time = watchTime()
    const parameters = {
      watch: true,
      sendInitialEvents: true,
      // Without the first the request is Invalid, without the second the end of the list is never marked.
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
      resourceVersion: anyVersion ? '' : position,
      timeoutSeconds: Math.round(time / second),
    }
    let response: ApiResponse
    try {
      response = await request(session, parameters, acceptWatch, signal)
    } catch (error) {
      if (!(error instanceof ApiFailure && error.reason === 'refused')) throw error
      deps.log.debug(`${resource}: no streamed list (${error.message}): listing in pages`)
      paged = true
      return
    }
    began()
    // A list under way until the bookmark says that it is complete, then a watch.
    const limits = { silence: () => (listed ? watchSilenceOf(session) : listSilence), total: time + grace }
    try {
      await readItems(response, watchReader(response, reducer), (event) => takeEvent(event), limits, reading())
    } catch (error) {
      // A server that knows nothing of the parameters sends no such bookmark.
      if (!listed && error instanceof ApiFailure && error.reason === 'silent') paged = true
      throw error
    }
    if (!listed) throw new ApiFailure('broken', `${connection.name}: the list of ${resource} was cut short`)
  }

  const listPages = async (session: Session, signal: AbortSignal): Promise<void> => {
    let token = ''
    for (;;) {
      // No resourceVersion: with `0` the limit would be ignored, and unset means the latest.
      const response = await request(session, { limit: pageSize, continue: token }, acceptList, signal)
      if (token === '') began()
      const reader = listReader(response, reducer)
      await readItems(response, reader, intake.listed, { silence: () => listSilence, total: 10 * minute }, reading())
      const facts = finishList(reader.finish)
      // `{}` of something in between that is no API server would read as a cluster without objects.
      if (facts.resourceVersion === '') {
        throw new ApiFailure('broken', `${connection.name}: the list of ${resource} has no resourceVersion`)
      }
      if (facts.continueToken === '') return complete(facts.resourceVersion)
      token = facts.continueToken
    }
  }

  const finishList = <T>(finish: () => T): T => {
    try {
      return finish()
    } catch (error) {
      throw new ApiFailure('broken', `${connection.name}: ${resource}: ${(error as Error).message}`)
    }
  }

  const watch = async (session: Session, signal: AbortSignal): Promise<void> => {
    const time = session.protocol === 'h2' ? watchTime() : shortWatchTime()
    const parameters = {
      watch: true,
      allowWatchBookmarks: true,
      resourceVersion: position,
      timeoutSeconds: Math.round(time / second),
    }
    const response = await request(session, parameters, acceptWatch, signal)
    meter.alive()
    const startedAt = clock.now()
    const proven = clock.after(shortestWatch, works)
    const limits: BodyLimits = { silence: () => watchSilenceOf(session), total: time + grace }
    try {
      await readItems(response, watchReader(response, reducer), (event) => takeEvent(event), limits, reading())
    } finally {
      proven.cancel()
    }
    if (clock.now() - startedAt < shortestWatch) {
      throw new ApiFailure('broken', `${connection.name}: the watch of ${resource} ended at once`)
    }
  }

  const takeEvent = ({ type, object }: WatchEvent): void | Promise<void> => {
    if (type === 'ERROR') throw statusFailure(object.status(), connection.name, undefined)
    if (type === 'BOOKMARK') {
      const meta = object.meta()
      if (!listed && meta.initialEventsEnd) return complete(meta.resourceVersion)
      if (listed) position = meta.resourceVersion || position
      return
    }
    if (type === 'DELETED') advance(intake.deleted(object))
    else if (type !== 'ADDED' && type !== 'MODIFIED') return
    else if (listed) advance(intake.changed(object))
    else intake.listed(object)
  }

  /** During a list the versions come in any order; only its end says where it stands. */
  const advance = (version: string): void => {
    if (listed && version !== '') position = version
  }

  /** True for the first failure of its kind in a while: what takes its place may work at once. */
  const isFirst = (reason: FailureReason): boolean => {
    const last = failedAt.get(reason) ?? Number.NEGATIVE_INFINITY
    failedAt.set(reason, clock.now())
    return clock.now() - last > shortestWatch
  }

  /** How long to wait after a failure; where to go on is decided here too. Milliseconds. */
  const afterFailure = (failure: ApiFailure): number => {
    switch (failure.reason) {
      case 'expired':
      case 'ahead':
        // The next list is the remedy. A server that says so again and again is not asked at that pace.
        listed = false
        anyVersion = failure.reason === 'ahead'
        return isFirst(failure.reason) ? 0 : backoff.next()
      case 'malformed':
        // An event may have been lost in what did not read.
        listed = false
        return backoff.next()
      case 'unauthorized':
        // Tokens are renewed: it is read again.
        return isFirst('unauthorized') ? 0 : backoff.next()
      case 'throttled':
        return failure.retryAfter === undefined ? backoff.next() : Math.min(failure.retryAfter, minute)
      case 'forbidden':
        // Rules are granted by people who look whether it helps.
        return Math.min(backoff.next(), 10 * second)
      default:
        if (failed >= patience) listed = false
        return isCut(failure) && isFirst(failure.reason) ? 0 : backoff.next()
    }
  }

  /** A custom resource without definition has no objects. Asked again now and then: it may be installed. */
  const noSuchResource = async (signal: AbortSignal): Promise<void> => {
    began()
    listed = false
    await complete('')
    listed = false
    await pause(clock, definitionInterval * (1 - Math.random() / 2), signal)
  }

  const recover = async (error: unknown, signal: AbortSignal): Promise<void> => {
    const failure = error instanceof MalformedObject ? malformed(error) : describeFailure(error, connection.name)
    if (failure.reason === 'missing' && apiResources[resource].custom) return noSuchResource(signal)
    meter.failed(failure.reason)
    // The connection logs that, and waits before it tries again.
    if (isUnreachable(failure)) return
    failed++
    trouble.failed(failure, failed)
    const wait = afterFailure(failure)
    const capped = connection.recovering && failure.retryAfter === undefined ? Math.min(wait, second) : wait
    await pause(clock, capped, signal)
  }

  const malformed = (error: MalformedObject): ApiFailure =>
    new ApiFailure('malformed', `${connection.name}: ${resource}: ${error.message}`)

  return {
    async run(signal) {
      while (!signal.aborted) {
        try {
          const session = await connection.session(signal)
          if (listed) await watch(session, signal)
          else if (paged) await listPages(session, signal)
          else await streamList(session, signal)
        } catch (error) {
          if (!signal.aborted) await recover(error, signal)
        }
      }
    },
  }
}

/** Cut off rather than refused: by a restart, a load balancer, a dead line. */
function isCut({ reason }: ApiFailure): boolean {
  return reason === 'broken' || reason === 'silent'
}

function watchSilenceOf(session: Session): number {
  return session.protocol === 'h2' ? watchSilence : listSilence
}
