/**
 * The report of `kubernetes` for `console` and `slicedns top`: its cluster, services, splits, held queries and
 * problems.
 */
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { isShown } from '../../../cluster-dns/lookup/visibility.ts'
import type { Cluster, ClusterStatus } from '../../../k8s/model/cluster.ts'
import type { ClusterReport } from '../../../plugin/capabilities/reports.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import type { AnnotationReport } from '../annotation-report/report.ts'
import type { HoldQueue } from '../hold/hold-queue.ts'
import { bounds } from './bounds.ts'
import { followChanges } from './changes.ts'
import { endpointStates } from './endpoints.ts'
import { readServices } from './services.ts'

export interface ClusterReportOptions {
  readonly key: () => string
  readonly zones: readonly string[]
  readonly clock: Clock
  readonly holdQueue: Pick<HoldQueue, 'list'>
  /** These throw before the plugin has started. */
  readonly context: () => ClusterContext
  readonly cluster: () => Cluster
  readonly annotations: () => Pick<AnnotationReport, 'problems'>
}

export function createClusterReport(options: ClusterReportOptions): ClusterReport {
  const { clock, context, cluster, annotations, holdQueue, zones } = options
  return {
    get key() {
      return options.key()
    },
    zones,
    isNamespace: (name) => context().view.namespace(name) !== undefined,
    source: () => sourceOf(cluster().status()),
    services: (picked) => readServices(context(), problemsByService(annotations()), picked),
    endpoints(namespace, service) {
      const { view } = context()
      if (!isShown(context(), namespace) || !view.service(namespace, service)) return undefined
      return endpointStates(view.slices(namespace, service))
    },
    held() {
      const { waiting, list } = holdQueue.list(bounds.held)
      return {
        waiting,
        list: list.map(({ name, client, since, until }) => ({
          name,
          client,
          since: clock.wall() - (clock.now() - since),
          left: Math.max(0, until - clock.now()) / 1_000,
        })),
      }
    },
    problems: () =>
      annotations()
        .problems(bounds.problems)
        .map(({ problem: { kind, namespace, name, problem } }) => ({
          kind,
          namespace,
          name,
          key: problem.key,
          reason: problem.rule,
        })),
    follow: (changed) => followChanges({ cluster: cluster(), context: context(), clock, changed }),
  }
}

function sourceOf({ endpoint, watches, ...rest }: ClusterStatus): ReturnType<ClusterReport['source']> {
  return {
    ...rest,
    endpoint: withoutCredentials(endpoint),
    watches: watches.map(({ resource, objects, availability, age, error }) => ({
      resource,
      objects,
      synced: availability === 'synced',
      // Manifests have no age, nor has a watch before its first octet.
      age: age ?? 0,
      ...(error !== undefined && { error }),
    })),
  }
}

/** The URL of a kubeconfig may contain credentials. */
function withoutCredentials(endpoint: string): string {
  const url = URL.parse(endpoint)
  const has = url !== null && (url.username !== '' || url.password !== '')
  return has ? `${url.protocol}//${url.host}${url.pathname}` : endpoint
}

/** Counts the problems of each service and its slices. */
function problemsByService(annotations: Pick<AnnotationReport, 'problems'>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { owner } of annotations.problems(bounds.problems)) {
    if (!owner.startsWith('Service ')) continue
    const key = owner.slice('Service '.length)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}
