/** The series that are computed at each scrape: the data plane's counts, and the enabled plugins. */

import type { BlockFacts, DataPlaneFacts } from '../../plugin/contract.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import { publishProcessMetrics } from '../../telemetry/process-metrics.ts'
import { publishThreadMetrics } from '../../telemetry/thread-metrics.ts'
import { createMerger, type Named } from './merger.ts'
import { namedPlugin } from './named-plugin.ts'

/** One for the process, which server blocks with `prometheus` join. */
export interface Series {
  join(block: BlockFacts): Member
  /** Whether a block that answers queries also exposes metrics. */
  shown(): boolean
}

export interface Member {
  /** Call it when the member's HTTP listener is open. */
  show(): void
  /** Call it when the member answers queries. */
  serve(): void
  leave(): void
}

export function createSeries(
  metrics: MetricsRegistry,
  dataPlane: DataPlaneFacts,
): { readonly value: Series; stop(): void } {
  const blocks = new Map<BlockFacts, { showing: boolean; serving: boolean }>()
  const merge = createMerger(metrics)
  const enabled = createEnabled(metrics)
  const removals = [
    publishProcessMetrics(metrics),
    publishThreadMetrics(metrics),
    metrics.onCollect(() => {
      const joined = [...blocks.keys()]
      enabled.show(joined)
      merge(dataPlane.collect(), namedIn(joined))
    }),
  ]
  return {
    value: {
      join(block) {
        const state = { showing: false, serving: false }
        blocks.set(block, state)
        return {
          show() {
            state.showing = true
          },
          serve() {
            state.serving = true
          },
          leave: () => void blocks.delete(block),
        }
      },
      shown: () => [...blocks.values()].some(({ showing, serving }) => showing && serving),
    },
    stop() {
      for (const removal of removals) removal.remove()
      enabled.show([])
    },
  }
}

/** Queries of blocks without `prometheus` are not counted. */
function namedIn(blocks: readonly BlockFacts[]): Named {
  const named = new Map<string, string>()
  for (const block of blocks) {
    const plugin = namedPlugin(block)
    for (const server of block.servers) for (const zone of block.zones) named.set(`${server} ${zone}`, plugin)
  }
  return (server, zone) => named.get(`${server} ${zone}`)
}

/** `coredns_plugin_enabled`: a series for each plugin with a place in the chain. */
function createEnabled(metrics: MetricsRegistry) {
  const family = metrics.gauge('coredns_plugin_enabled', 'Plugins in the chain of a server block.', [
    'server',
    'zone',
    'view',
    'name',
  ])
  let shown = new Map<string, readonly string[]>()
  return {
    show(blocks: readonly BlockFacts[]) {
      const now = new Map(blocks.flatMap(enabledIn).map((labels) => [labels.join(' '), labels]))
      for (const [key, labels] of shown) if (!now.has(key)) family.forget(...labels)
      for (const labels of now.values()) family.with(...labels).set(1)
      shown = now
    },
  }
}

/** Label values of the block's plugins. */
function enabledIn(block: BlockFacts): string[][] {
  const names = block.plugins.flatMap(({ plugin, instance }) => (instance.handler ? [plugin] : []))
  return block.servers.flatMap((server) => block.zones.flatMap((zone) => names.map((name) => [server, zone, '', name])))
}
