/**
 * Restores annotations that the budget had excluded (model/annotation-budget.ts), once they fit: they are not stored, so their
 * objects are read again, one by one. Only the version of an object that the watch sent last is used: the watch has every other
 * one, or will send it.
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { pause } from '../../scheduling/pause.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Named } from '../model/resource-store.ts'
import type { Resource } from '../model/types.ts'
import { acceptList, listReader, readItems, readStatus } from './body.ts'
import type { Connection } from './connection.ts'
import { describeFailure } from './failure.ts'
import type { Reflector } from './reflector.ts'
import { statusFailure } from './status-failure.ts'
import type { StoreUpdater } from './store-updater.ts'
import { listSilence } from './timeouts.ts'

export interface ReadResource {
  readonly resource: Resource
  readonly reflector: Pick<Reflector, 'pathOf' | 'watching'>
  readonly updater: Pick<StoreUpdater, 'readAgain'>
}

export interface LeftOutDeps {
  readonly resources: readonly ReadResource[]
  readonly annotations: ClusterModel['annotations']
  readonly connection: Connection
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
  readonly log: Logger
  readonly clock: Clock
}

const second = 1000
/** From the event that frees octets to the first object, so that repeated events do not cause more requests. */
const settle = second
/** After a failure. The API server also serves the watches. */
const repeatAfter = 30 * second
/** Between two objects: with 256 KiB each this limits them to 5 MiB a second. */
const betweenObjects = 50
/** Maximum objects examined per event: at most 8 MiB of annotations can be restored. */
const mostObjects = 1000
const limits = { silence: () => listSilence, total: 60 * second }

/** Resolves when `signal` aborts. Never rejects. */
export async function bringBackAnnotations(deps: LeftOutDeps, signal: AbortSignal): Promise<void> {
  const { resources, annotations, clock, log, connection } = deps
  let room = Promise.withResolvers<void>()
  const wake = (): void => room.resolve()
  const subscription = annotations.onRoom(wake)
  signal.addEventListener('abort', wake)
  while (!signal.aborted) {
    await room.promise
    room = Promise.withResolvers()
    await pause(clock, settle, signal)
    for (const each of resources) {
      try {
        await readAgain(each, deps, signal)
      } catch (error) {
        if (signal.aborted) break
        const { message } = describeFailure(error, connection.name)
        log.warning(`${each.resource}: annotations that fit again cannot be read: ${message}`)
        await pause(clock, repeatAfter, signal)
        wake()
      }
    }
  }
  subscription.remove()
}

async function readAgain({ resource, reflector, updater }: ReadResource, deps: LeftOutDeps, signal: AbortSignal) {
  const { annotations, clock } = deps
  const fitting = annotations.fitting(resource).slice(0, mostObjects)
  for (const object of fitting) {
    // A list reads all of them. The previous object may have used up what this one needs.
    if (signal.aborted || !reflector.watching) return
    if (!annotations.isFitting(object)) continue
    await readOne(object, { resource, reflector, updater }, deps, signal)
    await pause(clock, betweenObjects, signal)
  }
}

/** A list, because `list` and `watch` are the rights that the manifests give. */
async function readOne(
  { namespace, name }: Named,
  { reflector, updater }: ReadResource,
  { connection, reducer, scheduler, clock }: LeftOutDeps,
  signal: AbortSignal,
): Promise<void> {
  const session = await connection.session(signal)
  const path = reflector.pathOf({ fieldSelector: `metadata.name=${name}` }, namespace)
  const response = await connection.get(session, path, acceptList, signal)
  if (response.status !== 200)
    throw statusFailure(await readStatus(response, reducer), connection.name, response.retryAfter)
  const reading = { clock, scheduler, name: connection.name, alive() {} }
  await readItems(response, listReader(response, reducer), updater.readAgain, limits, reading)
}
