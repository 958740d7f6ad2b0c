/** The source 'API server': a reflector per resource over one connection. */
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import { createReducer } from '../decode/reduce.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { ResourceStore } from '../model/resource-store.ts'
import type { ClusterConfig, Reduced, Resource } from '../model/types.ts'
import { openSnapshots } from '../snapshot/index.ts'
import type { Source } from '../source.ts'
import { readStatus } from './body.ts'
import { createConnection } from './connection.ts'
import type { ClusterMeter, WatchMeter } from './metrics.ts'
import { openCredentials } from './open-credentials.ts'
import { createProof, type ProvenResource } from './proof.ts'
import { createProofMeter } from './proof-metrics.ts'
import { createReflector } from './reflector.ts'
import { createRequestMeter } from './request-meter.ts'
import { statusFailure } from './status-failure.ts'
import { createStoreUpdater } from './store-updater.ts'
import { createWatchErrorReporter } from './watch-error-reporter.ts'

export interface ApiSourceDeps {
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
}

/** Milliseconds. */
const creationTimeout = 30_000

/** Opens nothing yet: see `start`. */
export async function openApi(
  config: ClusterConfig,
  watched: readonly Resource[],
  model: ClusterModel,
  { log, metrics, clock }: ApiSourceDeps,
  meter: Pick<ClusterMeter, 'watches' | 'ageOf'>,
): Promise<Source> {
  if (config.source.kind === 'manifests') throw new Error('manifests have no API server')
  const credentials = await openCredentials(config.source)
  const connection = createConnection({ credentials, log, clock, meter: createRequestMeter(metrics, clock) })
  const stop = new AbortController()
  const reducer = createReducer(config)
  const scheduler = createCooperativeScheduler(clock)
  const { snapshot } = config
  const snapshots =
    snapshot &&
    openSnapshots(snapshot, {
      config,
      watched,
      model,
      credentials,
      reducer,
      scheduler,
      ageOf: meter.ageOf,
      log,
      metrics,
      clock,
    })
  let running: Promise<unknown> = Promise.resolve()

  const watchMeter = (resource: Resource): WatchMeter => {
    const counted = meter.watches(resource)
    return {
      ...counted,
      failed(reason) {
        counted.failed(reason)
        snapshots?.failed()
      },
    }
  }

  const resources = watched.map((resource): ProvenResource => {
    const store = model.stores[resource] as ResourceStore<Reduced>
    const updater = createStoreUpdater(resource, store, scheduler, log)
    const reflector = createReflector(resource, {
      config,
      connection,
      reducer,
      store: updater,
      scheduler,
      meter: watchMeter(resource),
      errors: createWatchErrorReporter(resource, model, log, clock),
      log,
      clock,
      synced: () => model.listed(resource),
    })
    return { resource, reflector, store, versions: updater.versions }
  })
  const { proveEvery } = config
  const proofMeter = createProofMeter(metrics, watched, clock)
  const proof =
    proveEvery === undefined
      ? undefined
      : createProof({
          resources,
          interval: proveEvery,
          connection,
          reducer,
          scheduler,
          log,
          clock,
          meter: proofMeter,
        })

  return {
    status() {
      const age = snapshots?.age()
      return {
        endpoint: connection.name,
        connected: connection.connected,
        ...(age !== undefined && { snapshot: { age } }),
        ...(proof?.last && { freshness: proof.last }),
      }
    },
    async create(path, object) {
      const session = await connection.session(stop.signal)
      const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(creationTimeout)])
      const response = await connection.post(session, path, object, signal)
      const status = await readStatus(response, reducer)
      if (response.status === 201) return 'created'
      if (response.status === 409) return 'exists'
      throw statusFailure(status, connection.name, response.retryAfter)
    },
    start() {
      const parts = [...resources.map(({ reflector }) => reflector), ...(proof ? [proof] : [])]
      running = Promise.all(parts.map((part) => part.run(stop.signal)))
      snapshots?.start()
    },
    async stop() {
      stop.abort()
      connection.close()
      await running
      proofMeter.remove()
      await snapshots?.stop()
    },
  }
}
