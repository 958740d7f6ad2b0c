/** A copy of the keys of one `etcd`: as they are in etcd, or as they were when it was last reached. */
import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { createEtcdClient } from '../../etcd/client.ts'
import type { KeyRange, KeyValue } from '../../etcd/messages.ts'
import { startMirror } from '../../etcd/mirror.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { createLeases } from './leases.ts'
import type { EtcdMetrics } from './metrics.ts'
import { parseService, type Service } from './service.ts'
import { createStore, type Store } from './store.ts'

export interface CopyOptions {
  readonly endpoints: readonly string[]
  readonly credentials: { readonly user: string; readonly password: string } | undefined
  readonly secureContext: () => SecureContext
  readonly lookup: LookupFunction
  readonly ranges: readonly KeyRange[]
  /** Bounds on the copy: keys, and octets of keys and values. */
  readonly most: { readonly keys: number; readonly octets: number }
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: EtcdMetrics
}

export interface Copy {
  /** Throws while etcd has not been reached yet, or if it exceeds a bound. */
  current(): Store
  /** Seconds that the service's lease has left; undefined without a lease, or where it is not known yet. */
  remaining(service: Service): number | undefined
  /** For `explain`. */
  readonly state: string
  stop(): void
}

/** One range of keys; a copy has one for each zone. */
interface Part {
  isListed: boolean
  isLive: boolean
  problem: string
}

export function openCopy(options: CopyOptions): Copy {
  const { clock, log, metrics, most, ranges } = options
  const stopping = new AbortController()
  const parts = ranges.map((): Part => ({ isListed: false, isLive: false, problem: '' }))
  const store = createStore()
  const clients = ranges.map(() => createEtcdClient(options))
  const leases = createLeases((lease) => clients[0].leaseTimeToLive(lease, stopping.signal), clock)
  let refusal: string | undefined

  function put({ key, value, lease }: KeyValue): void {
    if (!store.takes(key)) {
      leaveOut(key, 'it has more segments than a name has labels')
      return
    }
    store.put({ key, octets: octetsOf(key, value), service: read(key, value, lease) })
    if (lease !== 0n) leases.learn(lease)
  }

  function read(key: string, value: Uint8Array, lease: bigint): Service | undefined {
    try {
      return parseService(key, value, lease)
    } catch (error) {
      leaveOut(key, errorMessage(error))
      return undefined
    }
  }

  function leaveOut(key: string, reason: string): void {
    metrics.invalid()
    log.warning(`${key.slice(0, maxShown)} is not a service and is ignored: ${reason}`)
  }

  function checkSize(keys: number, octets: number): void {
    if (keys <= most.keys && octets <= most.octets) return
    const size = keys > most.keys ? `${most.keys} keys` : `${most.octets} octets`
    refusal = `etcd has more than ${size} of services (docs/limits.md)`
    metrics.refused()
    throw new Error(`${refusal}: no service is answered`)
  }

  function follow(part: Part, at: number): { stop(): void } {
    return startMirror({
      client: clients[at],
      range: ranges[at],
      clock,
      target: {
        list() {
          const listed = new Map<string, KeyValue>()
          let octets = 0
          return {
            add(keyValue) {
              listed.set(keyValue.key, keyValue)
              octets += octetsOf(keyValue.key, keyValue.value)
              checkSize(listed.size, octets)
            },
            done() {
              for (const { key } of [...store.entries()])
                if (isIn(ranges[at], key) && !listed.has(key)) store.remove(key)
              for (const keyValue of listed.values()) {
                put(keyValue)
                checkSize(store.size, store.octets)
              }
              leases.keepOnly(leasesOf(store))
              metrics.keys(store.size)
              refusal = undefined
              part.isListed = true
            },
          }
        },
        apply(event) {
          if (event.type === 'delete') store.remove(event.key)
          else put(event.keyValue)
          metrics.changed()
          metrics.keys(store.size)
          checkSize(store.size, store.octets)
        },
        live() {
          part.isLive = true
          part.problem = ''
          metrics.live(parts.every(({ isLive }) => isLive))
          log.info(`following ${ranges[at].from} at ${clients[at].endpoint}`)
        },
        failed(error) {
          part.isLive = false
          metrics.failed()
          metrics.live(false)
          if (part.problem !== error.message)
            log.warning(
              `${error.message}${part.isListed && refusal === undefined ? '; answering from the last known state' : ''}`,
            )
          part.problem = error.message
        },
      },
    })
  }

  const mirrors = parts.map(follow)

  return {
    current() {
      if (refusal !== undefined) throw new Error(refusal)
      const missing = parts.find(({ isListed }) => !isListed)
      if (missing) throw new Error(missing.problem || 'etcd has not answered yet')
      return store
    },
    remaining: ({ lease }) => (lease === 0n ? undefined : leases.remaining(lease)),
    get state() {
      const problem = parts.find(({ isLive }) => !isLive)?.problem
      return problem === undefined ? `live from ${clients[0].endpoint}` : `not live: ${problem || 'not connected yet'}`
    },
    stop() {
      stopping.abort()
      for (const mirror of mirrors) mirror.stop()
      for (const client of clients) client.close()
    },
  }
}

/** Characters of a key that are logged: a name has at most 255, a key may have a million. */
const maxShown = 300

const octetsOf = (key: string, value: Uint8Array): number => Buffer.byteLength(key) + value.length

/** Keys are compared as etcd does: by octets. */
const isIn = ({ from, to }: KeyRange, key: string): boolean => {
  const octets = Buffer.from(key)
  return Buffer.compare(octets, Buffer.from(from)) >= 0 && Buffer.compare(octets, Buffer.from(to)) < 0
}

const leasesOf = (store: Store): Set<bigint> =>
  new Set([...store.entries()].flatMap(({ service }) => service?.lease ?? []))
