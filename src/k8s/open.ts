/** Opens the cluster that a configuration names: an API server, or a directory of manifests. */
import type { Clock } from '../scheduling/clock.ts'
import { errorStack } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import type { MetricsRegistry } from '../telemetry/metrics.ts'
import { ApiFailure } from './api/failure.ts'
import { observeCluster } from './api/metrics.ts'
import { type ClusterModel, createClusterModel, watchedResources } from './model/cluster-model.ts'
import type { Cluster, ClusterConfig, Resource } from './model/types.ts'
import type { Source } from './source.ts'

export interface ClusterDeps {
  /** Lines are written as they are: hand in `log.plugin('kubernetes')`. */
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
}

/**
 * Nothing is opened or read before `start`, and nothing is thrown: what goes wrong is logged, retried, and shown by
 * availability. A cluster that was stopped is not started again.
 */
export function openCluster(config: ClusterConfig, deps: ClusterDeps): Cluster {
  const watched = watchedResources(config)
  const model = createClusterModel(watched, deps.clock, (error) => {
    deps.log.error(`a listener of the cluster failed: ${errorStack(error)}`)
  })
  const observed = observeCluster(model, watched, deps)
  let source: Promise<Source | undefined> | undefined
  let stopped = false

  const open = async (): Promise<Source | undefined> => {
    try {
      const opened = await openSource(config, watched, model, deps, observed.watches)
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

  return {
    view: model.view,
    subscribe: model.subscribe,
    sealSerials: model.sealSerials,
    ...(config.source.kind === 'manifests' ? {} : { create }),
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

/** Equal for configurations that can share one cluster. */
export function clusterKey(config: ClusterConfig): string {
  const { source, annotationPrefixes, ...rest } = config
  const sorted = (object: object) => Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1))
  const tls = source.kind === 'endpoint' && source.tls !== undefined ? { tls: sorted(source.tls) } : {}
  return `cluster ${JSON.stringify([sorted({ ...source, ...tls }), sorted(rest), [...annotationPrefixes].sort()])}`
}

/** Each kind of source is loaded only when it is used: the YAML parser alone takes megabytes. */
async function openSource(
  config: ClusterConfig,
  watched: readonly Resource[],
  model: ClusterModel,
  deps: ClusterDeps,
  watches: Parameters<typeof import('./api/source.ts').openApi>[4],
): Promise<Source> {
  if (config.source.kind === 'manifests') {
    const { openManifests } = await import('./manifests/source.ts')
    return openManifests(config.source.directory, config, watched, model, deps)
  }
  const { openApi } = await import('./api/source.ts')
  return openApi(config, watched, model, deps, watches)
}
