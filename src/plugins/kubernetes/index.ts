import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { resolve as resolvePath } from 'node:path'
import { createAnnotationReader } from '../../cluster-dns/annotations/reader.ts'
import { alwaysSettled, type ClusterContext } from '../../cluster-dns/context.ts'
import { createAliases } from '../../cluster-dns/features/alias/claims.ts'
import { aliasZoneWarnings, openZones } from '../../cluster-dns/features/alias/rules.ts'
import { createBrowsing } from '../../cluster-dns/features/dns-sd/browsing.ts'
import { knownAnnotations } from '../../cluster-dns/features/index.ts'
import { limitedSettings } from '../../cluster-dns/features/ttl/snapshot-ttl.ts'
import { zoneOf } from '../../cluster-dns/settings.ts'
import { parseAddress } from '../../dns/address.ts'
import type { Cluster, Upkeep } from '../../k8s/model/cluster.ts'
import type { ClusterConfig } from '../../k8s/model/config.ts'
import type { Subscription } from '../../k8s/model/event-feed.ts'
import type { ClusterView } from '../../k8s/model/types.ts'
import { clusterKey, openCluster } from '../../k8s/open.ts'
import { compiledSource } from '../../plugin/capabilities/compiled-source.ts'
import { exampleQuestions, explainLines } from '../../plugin/capabilities/explain.ts'
import { metadataScope, metadataSource } from '../../plugin/capabilities/metadata.ts'
import { clusterReport } from '../../plugin/capabilities/reports.ts'
import { erased, provide } from '../../plugin/capability.ts'
import type { Held, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import type { Handler } from '../../plugin/query.ts'
import type { Timer } from '../../scheduling/clock.ts'
import { searchListOf } from '../../upstream/resolv-conf.ts'
import { searchLists } from '../autopath/capability.ts'
import { dynamicZones } from '../cache/capability.ts'
import { type SharedCluster, sharedCluster } from '../k8s_external/capability.ts'
import { transferSource } from '../transfer/capability.ts'
import { createProblemEvents } from './annotation-report/events.ts'
import { type AnnotationReport, createAnnotationReport } from './annotation-report/report.ts'
import { type AnnotationValidator, createAnnotationValidator } from './annotation-report/validator.ts'
import { createChaseLimitReport } from './chase-limits.ts'
import { suggestQuestions } from './examples.ts'
import { explain } from './explain/explain.ts'
import { statusLines } from './explain/status-lines.ts'
import { createHandler } from './handler.ts'
import { createHoldQueue } from './hold/hold-queue.ts'
import { createHoldQuota } from './hold/quota.ts'
import { followIndexes } from './indexes.ts'
import { createMetadata } from './metadata.ts'
import { readNamedFiles } from './named-files.ts'
import { measureProgrammingLatency } from './publish/programming-latency.ts'
import { createSettling, type SettlingTracker } from './publish/settling.ts'
import { createSource } from './publish/source.ts'
import { createClusterReport } from './report/index.ts'
import { createSearchLists } from './search.ts'
import { type KubernetesSettings, schema } from './settings.ts'
import { snapshotConflict } from './snapshot-conflict.ts'
import { createStartGate } from './start-gate.ts'
import { createTransferSource } from './transfer.ts'

/**
 * Answers names of the cluster's services, endpoints and pods. The parts:
 *
 *   src/k8s            the model of the cluster, and the feed of its changes
 *   src/cluster-dns    from a name to its records
 *   handler.ts         the chain: resolve, hold (hold/), follow CNAMEs (cname-chase.ts), reply
 *   publish/           compiles the same answers ahead of queries into the answer table
 *   annotation-report/ reports invalid annotations; explain/: why a name has its answer
 */
export const kubernetes: Plugin<KubernetesSettings> = {
  name: 'kubernetes',
  schema,
  offers: [erased(sharedCluster), erased(searchLists)],
  conflict: snapshotConflict,
  readFiles: readNamedFiles,
  setup,
}

function setup(settings: KubernetesSettings, { block, clock, log, metrics, process }: Setup): Instance {
  /** Complete at `start`. Labels of pods are kept only if the block has `metadata`. */
  const config = (): ClusterConfig => ({
    ...settings.cluster,
    podLabels: block.capability(metadataScope) !== undefined,
    source: located(settings, block.root),
  })
  const source = createSource({
    zones: [...settings.dns.zones, ...openZones(settings.dns)],
    clock,
    latency: measureProgrammingLatency(metrics, clock),
    metrics,
    report: log.error,
  })
  // One bound for the whole process, across configurations.
  const quota = process.acquire('held queries', () => ({ value: createHoldQuota(), stop() {} }))
  const holdQueue = createHoldQueue({ context, quota: quota.value, clock, metrics })
  const startGate = settings.snapshot && createStartGate(clock, metrics)
  let held: Held<Cluster> | undefined
  let upkeep: readonly Held<Upkeep>[] = []
  let settling: Held<SettlingTracker> | undefined
  let report: Held<AnnotationReport> | undefined
  let validator: AnnotationValidator | undefined
  let clusterContext: ClusterContext | undefined
  let indexes: Subscription | undefined
  let warning: Timer | undefined
  /** The startup timeout is over. */
  let overdue = false
  let nodeDomains: readonly string[] = []

  function context(): ClusterContext {
    if (!clusterContext) throw new Error('the kubernetes plugin must be started before it answers')
    return clusterContext
  }

  function openedCluster(): Cluster {
    if (!held) throw new Error('the kubernetes plugin must be started before its cluster is used')
    return held.value
  }

  const cluster: SharedCluster = {
    context,
    subscribe: (phase, subscriber) => openedCluster().subscribe(phase, subscriber),
    sealSerials: () => openedCluster().sealSerials(),
  }

  /**
   * Shared across reloads with the same settings. Keyed apart from the cluster, so that a change of file or interval
   * does not list the cluster again.
   */
  function keepUp(cluster: Cluster): Held<Upkeep>[] {
    const key = clusterKey(config())
    const begin = (name: string, open: () => Upkeep): Held<Upkeep> =>
      process.acquire(`${name} ${key}`, () => {
        const value = open()
        return { value, stop: value.stop }
      })
    const { snapshot, proveEvery } = settings
    const kept = snapshot && { ...snapshot, file: resolvePath(block.root, snapshot.file) }
    return [
      ...(kept ? [begin(`snapshot ${JSON.stringify(kept)}`, () => cluster.keepSnapshot(kept))] : []),
      ...(proveEvery ? [begin(`verify ${proveEvery}`, () => cluster.proveFreshness(proveEvery))] : []),
    ]
  }

  /** Shared across reloads with the same settling time, so that unsettled services stay unsettled. */
  function followSettling(cluster: Cluster): Held<SettlingTracker> | undefined {
    const settle = settings.dns.adaptiveTtl?.settle
    if (settle === undefined) return undefined
    return process.acquire(`settling ${settle} ${clusterKey(config())}`, () => {
      const tracker = createSettling(cluster, settle, clock)
      return { value: tracker, stop: tracker.stop }
    })
  }

  /** Shared across reloads and by all blocks of the same cluster, so that each annotation problem is reported once. */
  function shareReport({ create }: Cluster): Held<AnnotationReport> {
    return process.acquire(
      `annotations ${settings.annotationPrefix} ${settings.events} ${clusterKey(config())}`,
      () => {
        const events = settings.events && create ? createProblemEvents({ create, log, clock }) : undefined
        const report = createAnnotationReport({ log, metrics, clock, events })
        return { value: report, stop: report.stop }
      },
    )
  }

  /**
   * The server starts without waiting for the cluster, because it also answers other zones. Logs if the cluster is
   * still unsynced after the startup timeout.
   */
  function warnIfUnsynced(): void {
    warning = clock.after(settings.startupTimeout, () => {
      overdue = true
      const { view } = context()
      const unsynced = !view.synced ? 'names of the cluster' : lacksImports(view) ? 'multicluster names' : undefined
      if (unsynced === undefined) return
      log.warning(`starting server with unsynced Kubernetes API: ${unsynced} get SERVFAIL until it has synced`)
    })
  }

  const openedReport = (): AnnotationReport => {
    if (!report) throw new Error('the kubernetes plugin must be started before it reports')
    return report.value
  }
  const answer = createHandler({
    context,
    answered: source.answered,
    holdQueue,
    overdue: () => overdue,
    clock,
    chaseLimits: createChaseLimitReport(log, metrics, clock),
  })
  const handler: Handler = (query, next) => {
    const waiting = zoneOf(settings.dns, query.name) === undefined ? undefined : startGate?.wait(query)
    return waiting ? waiting.then(() => answer(query, next)) : answer(query, next)
  }
  return {
    handler,
    provides: [
      provide(compiledSource, source),
      provide(dynamicZones, { zones: source.zones, handler }),
      provide(sharedCluster, cluster),
      provide(transferSource, createTransferSource(settings.dns.zones, cluster)),
      provide(
        searchLists,
        createSearchLists(context, () => nodeDomains),
      ),
      provide(metadataSource, createMetadata(context)),
      provide(exampleQuestions, () => suggestQuestions(context())),
      provide(explainLines, (query) => [
        ...explain(context(), query),
        ...statusLines(openedCluster().status(), clock.wall()),
      ]),
      provide(
        clusterReport,
        createClusterReport({
          key: () => clusterKey(config()),
          zones: settings.dns.zones,
          clock,
          holdQueue,
          context,
          cluster: openedCluster,
          annotations: openedReport,
        }),
      ),
    ],
    ready: () => (clusterContext?.view.synced ? overdue || !lacksImports(clusterContext.view) : false),
    start() {
      held = process.acquire(clusterKey(config()), () => {
        const cluster = openCluster(config(), { log, metrics, clock })
        return { value: cluster, start: cluster.start, stop: cluster.stop }
      })
      upkeep = keepUp(held.value)
      settling = followSettling(held.value)
      // With `bind`, CoreDNS does not know its own addresses: see docs/coredns-behaviour.md §4.6.
      const localAddresses = block.addresses.length > 0 ? [] : interfaceAddresses()
      const annotations = createAnnotationReader(settings.annotationPrefix, knownAnnotations)
      const { view } = held.value
      clusterContext = {
        view,
        get settings() {
          return limitedSettings(settings.dns, view)
        },
        localAddresses,
        annotations,
        settling: settling?.value ?? alwaysSettled,
        aliases: createAliases(view, settings.dns, annotations),
        browsing: createBrowsing(),
      }
      nodeDomains = searchListOf(readIfThere('/etc/resolv.conf'))
      indexes = followIndexes(held.value, clusterContext)
      holdQueue.start(held.value)
      startGate?.start(held.value)
      report = shareReport(held.value)
      validator = createAnnotationValidator(clusterContext, report.value, log.error)
      source.start(held.value, clusterContext, { settling: settling?.value, validator })
      warnIfUnsynced()
      for (const text of aliasZoneWarnings(settings.dns, block.zones)) log.warning(text)
    },
    drain() {
      startGate?.open()
      holdQueue.close()
    },
    stop() {
      warning?.cancel()
      startGate?.open()
      holdQueue.close()
      quota.release()
      source.stop()
      indexes?.unsubscribe()
      validator?.stop()
      report?.release()
      settling?.release()
      for (const part of upkeep) part.release()
      held?.release()
    },
  }
}

function located({ source }: KubernetesSettings, root: string): ClusterConfig['source'] {
  return source.kind === 'manifests' ? { ...source, directory: resolvePath(root, source.directory) } : source
}

/** Whether ServiceImports have not been listed yet. They delay readiness until the startup timeout at most. */
const lacksImports = ({ availability }: ClusterView): boolean =>
  availability('serviceimports') === 'pending' || availability('importedslices') === 'pending'

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function interfaceAddresses(): Uint8Array[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => !address.internal)
    .flatMap(({ address }) => parseAddress(address.replace(/%.*$/, '')) ?? [])
}
