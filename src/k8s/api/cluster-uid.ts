/**
 * Which cluster an API server serves: the UID of its Namespace kube-system, which nobody can delete. A cluster that is made anew
 * behind the URL and with the CA of an older one has another.
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { MalformedObject } from '../decode/draft.ts'
import type { Reducer } from '../decode/reduce.ts'
import { acceptMetadata, listReader, readItems, readStatus } from './body.ts'
import type { Connection } from './connection.ts'
import { ApiFailure, describeFailure, type FailureReason, isUnreachable } from './failure.ts'
import type { Session } from './session.ts'
import { statusFailure } from './status-failure.ts'

export interface ClusterUid {
  /**
   * What the server of the session says, asked once, and now and then where it refuses: '' where it has no such namespace yet, undefined where it does not
   * say. Rejects with ApiFailure where it may say so in a moment.
   */
  of(session: Session): Promise<string | undefined>
  /** A request has failed: behind the same session there may be another server now. */
  forget(): void
  /** What was said last; undefined where nothing was, or no such namespace. */
  readonly last: string | undefined
}

export interface ClusterUidDeps {
  readonly connection: Pick<Connection, 'get' | 'name'>
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
  readonly clock: Clock
  /** Ends a question under way. */
  readonly signal: AbortSignal
}

/** A list, because `list` and `watch` are the rights that the manifests give. */
const path = '/api/v1/namespaces?fieldSelector=metadata.name%3Dkube-system'
const namespace = 'kube-system'
/** A UUID has 36 characters. It goes into the header of the file. */
const longestUid = 64
/** Milliseconds for the answer: one object. */
const patience = 10_000
const limits = { silence: () => patience, total: patience }
/** Milliseconds for which failures are worth waiting for; after that the lists go on without. They must not depend on this. */
const longestTrouble = 30_000
/** In a row. An API server that has just started refuses what it allows a moment later; behind these the right is missing. */
const mostRefusals = 10
/** Milliseconds until it is asked again: the right may be given while the session lasts. */
const refusedFor = 60_000
/** A server in trouble. Whatever else fails will fail again. */
const passing: readonly FailureReason[] = [
  'unauthorized',
  'throttled',
  'server',
  'broken',
  'silent',
  'timeout',
  'ahead',
]

export function createClusterUid({ connection, reducer, scheduler, clock, signal }: ClusterUidDeps): ClusterUid {
  let asked = new WeakMap<Session, Promise<string | undefined>>()
  let last: string | undefined
  let failingSince: number | undefined
  let refusals = 0
  let refusedUntil = Number.POSITIVE_INFINITY

  const ask = async (session: Session): Promise<string | undefined> => {
    const late = new AbortController()
    const timer = clock.after(patience, () => {
      late.abort(new ApiFailure('timeout', `${connection.name}: no Namespace ${namespace} within ${patience / 1000} s`))
    })
    try {
      const response = await connection.get(session, path, acceptMetadata, AbortSignal.any([signal, late.signal]))
      if (response.status !== 200) {
        throw statusFailure(await readStatus(response, reducer), connection.name, response.retryAfter)
      }
      const reader = listReader(response, reducer)
      let uid = ''
      const reading = { clock, scheduler, name: connection.name, alive() {} }
      await readItems(
        response,
        reader,
        (object) => {
          const meta = object.meta()
          if (meta.name === namespace) uid = meta.uid
        },
        limits,
        reading,
      )
      // `{}` from a proxy would read as a cluster without namespaces.
      const isList = reader.finish().resourceVersion !== ''
      return isList && uid.length <= longestUid ? uid : undefined
    } catch (error) {
      if (late.signal.aborted) throw late.signal.reason
      throw error instanceof MalformedObject ? new ApiFailure('malformed', error.message) : error
    } finally {
      timer.cancel()
    }
  }

  const find = async (session: Session): Promise<string | undefined> => {
    try {
      const uid = await ask(session)
      failingSince = undefined
      refusals = 0
      if (uid !== undefined) last = uid === '' ? undefined : uid
      // It is about to come.
      if (uid === '') asked.delete(session)
      return uid
    } catch (error) {
      const failure = describeFailure(error, connection.name)
      if (isUnreachable(failure)) throw failure
      failingSince ??= clock.now()
      if (failure.reason === 'forbidden') {
        if (++refusals < mostRefusals) asked.delete(session)
        else refusedUntil = clock.now() + refusedFor
      }
      if (!passing.includes(failure.reason)) return undefined
      asked.delete(session)
      if (clock.now() - failingSince < longestTrouble) throw failure
      return undefined
    }
  }

  return {
    of(session) {
      if (clock.now() >= refusedUntil) {
        refusedUntil = Number.POSITIVE_INFINITY
        asked.delete(session)
      }
      const known = asked.get(session)
      if (known !== undefined) return known
      const finding = find(session)
      asked.set(session, finding)
      return finding
    },
    forget() {
      asked = new WeakMap()
    },
    get last() {
      return last
    },
  }
}
