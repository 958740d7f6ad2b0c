/**
 * Which cluster an API server belongs to: the UID of its Namespace kube-system, which cannot be deleted. A cluster that was
 * recreated behind the same URL and CA has another UID.
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
   * The UID according to the session's server, requested once, and again from time to time if it is refused: '' if the namespace
   * does not exist yet, undefined if the server does not tell. Rejects with ApiFailure if a retry may succeed soon.
   */
  of(session: Session): Promise<string | undefined>
  /** A request has failed: the same session may now lead to another server. */
  forget(): void
  /** The last UID received; undefined if none, or if the namespace does not exist. */
  readonly last: string | undefined
}

export interface ClusterUidDeps {
  readonly connection: Pick<Connection, 'get' | 'name'>
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
  readonly clock: Clock
  /** Aborts a request in progress. */
  readonly signal: AbortSignal
}

/** A list, because the manifests grant `list` and `watch` only. */
const path = '/api/v1/namespaces?fieldSelector=metadata.name%3Dkube-system'
const namespace = 'kube-system'
/** A UUID has 36 characters. The UID is part of the snapshot file's header. */
const longestUid = 64
/** Milliseconds for the response, which is one object. */
const uidTimeout = 10_000
const limits = { silence: () => uidTimeout, total: uidTimeout }
/** Milliseconds of failures after which the lists proceed without the UID: they must not depend on it. */
const longestTrouble = 30_000
/** Refusals in a row. A starting API server refuses what it allows a moment later; after this many the right is missing. */
const mostRefusals = 10
/** Milliseconds until the next request after refusals: the right may be granted during the session. */
const refusedFor = 60_000
/** Failures of a server in trouble. Any other failure would repeat. */
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
    const timer = clock.after(uidTimeout, () => {
      late.abort(
        new ApiFailure('timeout', `${connection.name}: no Namespace ${namespace} within ${uidTimeout / 1000} s`),
      )
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
      // `{}` from a proxy would look like a cluster without namespaces.
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
      // The namespace is about to be created.
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
