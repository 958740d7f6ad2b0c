import type { BlockFacts } from '../../plugin/contract.ts'
import type { CounterCell, MetricsRegistry } from '../../telemetry/metrics.ts'

interface Cells {
  readonly hits: CounterCell
  readonly misses: CounterCell
  readonly refused: CounterCell
}

export interface DnssecMetrics {
  of(server: string): Cells
  stop(): void
}

/** `kept`: signatures that are kept now. */
export function createDnssecMetrics(metrics: MetricsRegistry, block: BlockFacts, kept: () => number): DnssecMetrics {
  const counter = (name: string, help: string) => metrics.counter(name, help, ['server'])
  const hits = counter('coredns_dnssec_cache_hits_total', 'Sets of records whose signatures were kept.')
  const misses = counter('coredns_dnssec_cache_misses_total', 'Sets of records whose signatures had to be made.')
  const refused = counter(
    'slicedns_dnssec_refused_total',
    'Queries refused because too many signatures were under way.',
  )
  const entries = metrics.gauge('coredns_dnssec_cache_entries', 'Signatures that are kept.', ['server', 'type'])
  const cells = new Map<string, Cells>()
  const collecting = metrics.onCollect(() => {
    for (const server of block.servers) entries.with(server, 'signature').set(kept())
  })
  return {
    of(server) {
      const found = cells.get(server) ?? {
        hits: hits.with(server),
        misses: misses.with(server),
        refused: refused.with(server),
      }
      cells.set(server, found)
      return found
    },
    stop: () => collecting.remove(),
  }
}
