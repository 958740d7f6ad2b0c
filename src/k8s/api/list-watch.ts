/** The requests that list and watch one resource. Time limits are in timeouts.ts. */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { WatchEvent, WireObject } from '../decode/wire.ts'
import type { Resource } from '../model/types.ts'
import { acceptList, acceptWatch, listReader, readItems, readStatus, watchReader } from './body.ts'
import type { Connection } from './connection.ts'
import { ApiFailure } from './failure.ts'
import type { requestPath } from './resources.ts'
import type { ApiResponse, Session } from './session.ts'
import { statusFailure } from './status-failure.ts'
import { listSilence, shortWatchTime, watchGrace, watchSilence, watchTime } from './timeouts.ts'

export type RequestParameters = Parameters<typeof requestPath>[3]

export interface ListWatchDeps {
  readonly resource: Resource
  readonly connection: Connection
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
  readonly clock: Clock
  /** Path and query of a request with these parameters. */
  readonly pathOf: (parameters: RequestParameters) => string
  /** Called for each chunk received. */
  readonly alive: () => void
}

export interface ListSink {
  /** The first page has arrived. */
  begin(): void
  listed(object: WireObject): void | Promise<void>
}

/** Each rejects with ApiFailure, and when `signal` aborts. */
export interface ListWatch {
  /** Lists from the API server's cache (`whole`), or the latest state in pages. Resolves with the list's resourceVersion. */
  list(how: 'whole' | 'paged', session: Session, signal: AbortSignal, sink: ListSink): Promise<string>
  /** Starts a list as the first events of a watch. Rejects with `refused` if the server does not stream lists. */
  streamList(resourceVersion: string, session: Session, signal: AbortSignal): Promise<EventStream>
  watch(resourceVersion: string, session: Session, signal: AbortSignal): Promise<EventStream>
}

export interface EventStream {
  /** Resolves when the server ends the watch or falls silent. `isListed`: false while the events are those of a list. */
  read(take: (event: WatchEvent) => void | Promise<void>, isListed?: () => boolean): Promise<void>
}

const second = 1000
const minute = 60 * second
/** Objects per page, as client-go requests them. */
const pageSize = 500
/** Pages per list: a faulty server's pages may never end. */
const maxPages = 2000

export function createListWatch(deps: ListWatchDeps): ListWatch {
  const { resource, connection, reducer, scheduler, clock, pathOf, alive } = deps
  const body = () => ({ clock, scheduler, name: connection.name, alive })
  /** The last watch was silent: the next one is short, because nothing else distinguishes it from a dead one. */
  let isQuiet = false

  async function request(
    session: Session,
    parameters: RequestParameters,
    accept: string,
    signal: AbortSignal,
  ): Promise<ApiResponse> {
    const response = await connection.get(session, pathOf(parameters), accept, signal)
    if (response.status === 200) return response
    throw statusFailure(await readStatus(response, reducer), connection.name, response.retryAfter)
  }

  async function open(
    session: Session,
    parameters: RequestParameters,
    isShort: boolean,
    signal: AbortSignal,
  ): Promise<EventStream> {
    const time = isShort ? shortWatchTime() : watchTime()
    const timed = { ...parameters, timeoutSeconds: Math.round(time / second) }
    const response = await request(session, timed, acceptWatch, signal)
    return {
      async read(take, isListed = () => true) {
        const silence = (): number => (isListed() ? watchSilence : listSilence)
        let changes = 0
        const count = (event: WatchEvent): void | Promise<void> => {
          if (event.type !== 'BOOKMARK' && isListed()) changes++
          return take(event)
        }
        try {
          const limits = { silence, total: time + watchGrace }
          await readItems(response, watchReader(response, reducer), count, limits, body())
          isQuiet = changes === 0
        } catch (error) {
          // A short watch ends before the silence limit.
          if (isShort || !isListed() || !(error instanceof ApiFailure && error.reason === 'silent')) throw error
          isQuiet = true
        }
      },
    }
  }

  function finishList<T>(finish: () => T): T {
    try {
      return finish()
    } catch (error) {
      throw new ApiFailure('broken', `${connection.name}: ${resource}: ${(error as Error).message}`)
    }
  }

  return {
    async list(how, session, signal, sink) {
      let token = ''
      for (let page = 0; page < maxPages; page++) {
        // `0` means the contents of the cache, ignoring `limit`; unset means the latest.
        const isWhole = how === 'whole' && token === ''
        const parameters = isWhole ? { resourceVersion: '0' } : { limit: pageSize, continue: token }
        const response = await request(session, parameters, acceptList, signal)
        if (token === '') sink.begin()
        const reader = listReader(response, reducer)
        await readItems(response, reader, sink.listed, { silence: () => listSilence, total: 10 * minute }, body())
        const facts = finishList(reader.finish)
        // `{}` from a proxy would look like a cluster without objects.
        if (facts.resourceVersion === '') {
          throw new ApiFailure('broken', `${connection.name}: the list of ${resource} has no resourceVersion`)
        }
        if (facts.continueToken === '') return facts.resourceVersion
        token = facts.continueToken
      }
      throw new ApiFailure('oversized', `${connection.name}: the list of ${resource} has more than ${maxPages} pages`)
    },
    streamList(resourceVersion, session, signal) {
      const parameters = {
        watch: true,
        sendInitialEvents: true,
        // Without the first the request is Invalid, without the second the end of the list is never marked.
        resourceVersionMatch: 'NotOlderThan',
        allowWatchBookmarks: true,
        resourceVersion,
      }
      return open(session, parameters, false, signal)
    },
    watch(resourceVersion, session, signal) {
      const isShort = isQuiet || session.protocol !== 'h2'
      return open(session, { watch: true, allowWatchBookmarks: true, resourceVersion }, isShort, signal)
    },
  }
}
