/**
 * Opens the cluster that a configuration names: an API server, or a directory of manifests. The stack, top down:
 *
 *   open.ts                    openCluster → Cluster: view, change feed, start, stop
 *   model/cluster-model.ts     stores and indexes by resource; ClusterView reads them
 *   model/event-feed.ts        each change, delivered phase by phase
 *   ── filled by one source (source.ts) ──
 *   manifests/source.ts        files, read again as they change
 *   api/source.ts              one reflector per resource, over one connection
 *     api/reflector.ts         list, watch, back off (list-watch.ts, retry-policy.ts, shared-waits.ts)
 *     api/body.ts → decode/    from octets to reduced objects, one at a time (reduce.ts)
 *     api/connection.ts        sessions: HTTP/2 or HTTP/1.1 over TLS (dial.ts), with credentials.ts
 */
import type { Clock } from '../scheduling/clock.ts'
import { errorStack } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { ApiFailure } from './api/failure.ts'
import { type ClusterMeter, observeCluster } from './api/metrics.ts'
import type { Cluster, Upkeep } from './model/cluster.ts'
import { type ClusterModel, createClusterModel, watchedResources } from './model/cluster-model.ts'
import type { ClusterConfig } from './model/config.ts'
import type { Resource } from './model/types.ts'
import type { Source } from './source.ts'

export interface ClusterDeps {
  /** Pass `log.plugin('kubernetes')`: lines get no prefix here. */
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
}

/**
 * Opens and reads nothing before `start`. Never throws: failures are logged, retried, and visible as availability. A
 * stopped cluster cannot be started again.
 */
export function openCluster(config: ClusterConfig, deps: ClusterDeps): Cluster {
  const watched = watchedResources(config)
  const model = createClusterModel(watched, deps.clock, (error) => {
    deps.log.error(`a subscriber to cluster events failed: ${errorStack(error)}`)
  })
  const observed = observeCluster(model, watched, deps)
  let source: Promise<Source | undefined> | undefined
  let running: Source | undefined
  let stopped = false
  /** Called as soon as the source is open. */
  const awaiting = new Set<(source: Source) => void>()

  const open = async (): Promise<Source | undefined> => {
    try {
      const opened = await openSource(config, watched, model, deps, observed)
      running = opened
      for (const begin of awaiting) begin(opened)
      awaiting.clear()
      if (!stopped) opened.start()
      return opened
    } catch (error) {
      deps.log.error(`the cluster cannot be watched: ${(error as Error).message}`)
      return undefined
    }
  }

  const create = async (path: string, object: object): Promise<'created' | 'exists'> => {
    const opened = await source
    if (!opened?.create) throw new ApiFailure('config', 'the cluster is not watched')
    return opened.create(path, object)
  }

  const keepUp = (begin: (source: Source) => Upkeep | undefined): Upkeep => {
    let upkeep: Upkeep | undefined
    const beginWith = (opened: Source): void => {
      upkeep = begin(opened)
    }
    if (running) beginWith(running)
    else awaiting.add(beginWith)
    return {
      async stop() {
        awaiting.delete(beginWith)
        await upkeep?.stop()
      },
    }
  }

  return {
    view: model.view,
    subscribe: model.subscribe,
    sealSerials: model.sealSerials,
    ...(config.source.kind === 'manifests' ? {} : { create }),
    keepSnapshot: (snapshot) => keepUp((opened) => opened.keepSnapshot?.(snapshot)),
    proveFreshness: (interval) => keepUp((opened) => opened.proveFreshness?.(interval)),
    status: () => ({
      ...(running?.status() ?? { endpoint: '', connected: false }),
      watches: watched.map((resource) => ({
        resource,
        objects: model.stores[resource].size,
        availability: model.view.availability(resource),
        age: observed.ageOf(resource),
        error: observed.errorOf(resource),
      })),
    }),
    start() {
      if (!stopped) source ??= open()
    },
    async stop() {
      stopped = true
      observed.remove()
      await (await source)?.stop()
    },
  }
}

/** Equal for configurations that can share a cluster. */
export function clusterKey(config: ClusterConfig): string {
  const { source, annotationPrefixes, ...rest } = config
  const sorted = (object: object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
  const tls = source.kind === 'endpoint' && source.tls !== undefined ? { tls: sorted(source.tls) } : {}
  return `cluster ${JSON.stringify([sorted({ ...source, ...tls }), sorted(rest), [...annotationPrefixes].sort()])}`
}

/** Each kind of source is loaded only when used: the YAML parser alone takes megabytes. */
async function openSource(
  config: ClusterConfig,
  watched: readonly Resource[],
  model: ClusterModel,
  deps: ClusterDeps,
  meter: ClusterMeter,
): Promise<Source> {
  if (config.source.kind === 'manifests') {
    const { openManifests } = await import('./manifests/source.ts')
    return openManifests(config.source.directory, config, watched, model, deps)
  }
  const { openApi } = await import('./api/source.ts')
  return openApi(config, watched, model, deps, meter)
}
