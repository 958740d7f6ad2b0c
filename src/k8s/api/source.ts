/** The API server as a source: one reflector per resource over one connection. */
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import { createReducer } from '../decode/reduce.ts'
import type { Freshness, Upkeep } from '../model/cluster.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { ClusterConfig } from '../model/config.ts'
import type { ResourceStore } from '../model/resource-store.ts'
import type { Reduced, Resource } from '../model/types.ts'
import { openSnapshots, type Snapshots } from '../snapshot/index.ts'
import type { Source } from '../source.ts'
import { readStatus } from './body.ts'
import { createClusterUid } from './cluster-uid.ts'
import { createConnection } from './connection.ts'
import { bringBackAnnotations, type ReadResource } from './left-out.ts'
import type { ClusterMeter, WatchMeter } from './metrics.ts'
import { openCredentials } from './open-credentials.ts'
import { createProof, type ProvenResource } from './proof.ts'
import { createProofMeter, type ProofMeter } from './proof-metrics.ts'
import { createReflector } from './reflector.ts'
import { createRequestMeter } from './request-meter.ts'
import type { Session } from './session.ts'
import { createSharedWaits } from './shared-waits.ts'
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
  const clusterUid = createClusterUid({ connection, reducer, scheduler, clock, signal: stop.signal })
  const waits = createSharedWaits(clock)
  const snapshots = new Set<Snapshots>()
  /** Present while a proof runs; all proofs share it. */
  let proofMeter: ProofMeter | undefined
  let proofs = 0
  let freshness: Freshness | undefined
  let running: Promise<unknown> = Promise.resolve()

  const watchMeter = (resource: Resource): WatchMeter => {
    const counted = meter.watches(resource)
    return {
      ...counted,
      failed(reason) {
        counted.failed(reason)
        clusterUid.forget()
        for (const snapshot of snapshots) snapshot.failed()
      },
    }
  }

  /** Only a snapshot can belong to another cluster than the lists that follow. */
  const identified = async (session: Session): Promise<void> => {
    if (snapshots.size === 0) return
    const uid = await clusterUid.of(session)
    for (const snapshot of snapshots) snapshot.identified(uid)
  }

  /** For writing a snapshot: the lists may be older than the Namespace, or than the wish for a snapshot. */
  const uidNow = async (): Promise<string | undefined> => {
    if (clusterUid.last === undefined && connection.connected) {
      await connection
        .session(stop.signal)
        .then(clusterUid.of)
        .catch(() => {})
    }
    return clusterUid.last
  }

  const resources = watched.map((resource): ProvenResource & ReadResource => {
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
      waits: waits.join(),
      log,
      clock,
      synced: () => model.listed(resource),
      identified,
    })
    return { resource, reflector, store, versions: updater.versions, updater }
  })
  return {
    status() {
      const [age] = [...snapshots].flatMap((snapshot) => snapshot.age() ?? [])
      return {
        endpoint: connection.name,
        connected: connection.connected,
        ...(age !== undefined && { snapshot: { age } }),
        ...(freshness && { freshness }),
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
    keepSnapshot(snapshot): Upkeep {
      const opened = openSnapshots(snapshot, {
        config,
        watched,
        model,
        credentials,
        reducer,
        scheduler,
        ageOf: meter.ageOf,
        clusterUid: uidNow,
        log,
        metrics,
        clock,
      })
      snapshots.add(opened)
      opened.start()
      return {
        async stop() {
          snapshots.delete(opened)
          await opened.stop()
        },
      }
    },
    proveFreshness(interval): Upkeep {
      proofMeter ??= createProofMeter(metrics, watched, clock)
      proofs++
      const ending = new AbortController()
      const report = (result: Freshness): void => {
        freshness = result
      }
      const deps = { resources, interval, connection, reducer, scheduler, log, clock, meter: proofMeter, report }
      const proving = createProof(deps).run(ending.signal)
      return {
        async stop() {
          ending.abort()
          await proving
          if (--proofs > 0) return
          proofMeter?.remove()
          proofMeter = undefined
          freshness = undefined
        },
      }
    },
    start() {
      const { annotations } = model
      const deps = { resources, annotations, connection, reducer, scheduler, log, clock }
      running = Promise.all([
        ...resources.map(({ reflector }) => reflector.run(stop.signal)),
        bringBackAnnotations(deps, stop.signal),
      ])
    },
    async stop() {
      stop.abort()
      connection.close()
      await running
    },
  }
}
