/**
 * The proof of freshness: every few minutes the names and versions of all objects are compared with the API server's. A watch
 * that is alive does not show that it has lost an event; a paged list of metadata does. A difference counts if it is found
 * twice, far enough apart for any event in transit to arrive. The resource is then listed again.
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import { pause } from '../../scheduling/pause.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { WireObject } from '../decode/wire.ts'
import type { Freshness } from '../model/cluster.ts'
import type { Named, ResourceStore } from '../model/resource-store.ts'
import type { Resource } from '../model/types.ts'
import { acceptMetadata, listReader, readItems, readStatus } from './body.ts'
import type { Connection } from './connection.ts'
import { ApiFailure, describeFailure } from './failure.ts'
import type { ProofMeter } from './proof-metrics.ts'
import type { Reflector } from './reflector.ts'
import { statusFailure } from './status-failure.ts'
import type { StoreUpdater } from './store-updater.ts'
import { listSilence } from './timeouts.ts'

export interface ProvenResource {
  readonly resource: Resource
  readonly reflector: Reflector
  readonly store: Pick<ResourceStore<Named>, 'all' | 'get'>
  readonly versions: StoreUpdater['versions']
}

export interface ProofDeps {
  readonly resources: readonly ProvenResource[]
  /** Milliseconds between two proofs, varied by a fifth, so that replicas do not synchronise. */
  readonly interval: number
  readonly connection: Connection
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
  readonly log: Logger
  readonly clock: Clock
  readonly meter: ProofMeter
  readonly report: (result: Freshness) => void
}

export interface Proof {
  /** Resolves when `signal` aborts. Never rejects. */
  run(signal: AbortSignal): Promise<void>
}

const second = 1000
/** Objects per page, as in lists. */
const pageSize = 500
/** Pages per list, as in lists. */
const maxPages = 2000
/** Time within which an event in transit during the list has arrived. */
const grace = 5 * second
/** From a proof that found a difference to the next, which checks whether the list has repaired it. */
const repeatAfter = 30 * second
/** Differences kept: one is enough to list again, a few are named. */
const maxDifferences = 1000
const named = 3
const limits = { silence: () => listSilence, total: 600 * second }

export function createProof(deps: ProofDeps): Proof {
  const { resources, interval, connection, reducer, scheduler, log, clock, meter, report } = deps

  /**
   * `+ NAMESPACE/NAME` for objects that only the API server has, `- NAMESPACE/NAME` for objects that exist only here,
   * `~ NAMESPACE/NAME` for objects changed by an event that the watch must have sent, because it has sent later ones.
   */
  const differences = async (proven: ProvenResource, signal: AbortSignal): Promise<Set<string>> => {
    const { resource, reflector, store, versions } = proven
    const found = new Set<string>()
    const add = (difference: string) => void (found.size < maxDifferences && found.add(difference))
    const unseen = new Set(store.all())
    const take = (object: WireObject): void => {
      const { namespace, name, resourceVersion } = object.meta()
      const known = store.get(namespace, name)
      if (known !== undefined) unseen.delete(known)
      else if (!versions.has(namespace, name)) add(`+ ${nameOf({ namespace, name })}`)
      const isChanged = reflector.hasReached(resourceVersion) && versions.lacks(namespace, name, resourceVersion)
      if (isChanged) add(`~ ${nameOf({ namespace, name })}`)
    }
    let token = ''
    for (let page = 0; page < maxPages; page++) {
      const session = await connection.session(signal)
      const path = reflector.pathOf({ limit: pageSize, continue: token })
      const response = await connection.get(session, path, acceptMetadata, signal)
      if (response.status !== 200) {
        throw statusFailure(await readStatus(response, reducer), connection.name, response.retryAfter)
      }
      const reader = listReader(response, reducer)
      await readItems(response, reader, take, limits, {
        clock,
        scheduler,
        name: connection.name,
        // A successful list says nothing about the watch.
        alive() {},
      })
      token = reader.finish().continueToken
      if (token === '') {
        // An object that has changed meanwhile is not the one compared.
        for (const object of unseen) {
          if (store.get(object.namespace ?? '', object.name) === object) add(`- ${nameOf(object)}`)
        }
        return found
      }
    }
    throw new ApiFailure('oversized', `${connection.name}: the list of ${resource} has more than ${maxPages} pages`)
  }

  /** Differences found twice; undefined if nothing was compared, because the watch is not established. */
  const compare = async (proven: ProvenResource, signal: AbortSignal): Promise<string[] | undefined> => {
    const { reflector } = proven
    if (!reflector.watching) return undefined
    const first = await differences(proven, signal)
    if (first.size === 0) return []
    await pause(clock, grace, signal)
    if (signal.aborted || !reflector.watching) return undefined
    const again = await differences(proven, signal)
    return [...again].filter((difference) => first.has(difference))
  }

  /** Returns the differences as text; '' if there are none, undefined if that is not known. */
  const prove = async (proven: ProvenResource, signal: AbortSignal): Promise<string | undefined> => {
    const { resource, reflector } = proven
    try {
      const differing = await compare(proven, signal)
      if (differing === undefined) return undefined
      meter.compared(resource, differing.length === 0)
      if (differing.length === 0) return ''
      const examples = differing.slice(0, named).join(', ')
      const text = `${resource}: ${differing.length} differ from the API server (+ is missing here, - is gone there, ~ is another version): ${examples}`
      log.error(`${text}; listing the resource again`)
      reflector.relist()
      return text
    } catch (error) {
      if (signal.aborted) return undefined
      meter.failed(resource)
      return `${resource} cannot be compared: ${describeFailure(error, connection.name).message}`
    }
  }

  return {
    async run(signal) {
      let wait = interval
      for (;;) {
        await pause(clock, wait * (0.8 + 0.4 * Math.random()), signal)
        const results: (string | undefined)[] = []
        for (const proven of resources) {
          if (signal.aborted) return
          results.push(await prove(proven, signal))
        }
        const wrong = results.filter((text) => text !== undefined && text !== '')
        wait = wrong.length === 0 ? interval : Math.min(interval, repeatAfter)
        if (wrong.length > 0) report({ time: clock.wall(), ok: false, detail: wrong.join('; ') })
        else if (results.includes('')) report({ time: clock.wall(), ok: true })
      }
    },
  }
}

const nameOf = ({ namespace, name }: Named): string => (namespace ? `${namespace}/${name}` : name)
