import { resolve } from 'node:path'
import { type } from '../../dns/codes.ts'
import { isSubdomain, parentOf } from '../../dns/name.ts'
import { type RelayPassage, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { FileReading, Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { type StaticZone, staticSource } from '../../plugin/static-source.ts'
import type { GaugeCell, MetricsRegistry } from '../../telemetry/metrics.ts'
import { openFollowedFile } from './followed-file.ts'
import { createHandler } from './handler.ts'
import { type Entries, noEntries, parseHosts } from './hosts-file.ts'
import { createLookup } from './lookup.ts'
import { recordsOf } from './records.ts'
import { type HostsSettings, schema } from './settings.ts'

/** Answers from a hosts file, and from entries in the Corefile. */
export const hosts: Plugin<HostsSettings> = {
  name: 'hosts',
  schema,
  registerMetrics: (metrics) => void reloadTime(metrics),
  readFiles(settings, { block, clock, log }) {
    const path = pathOf(settings, block.root)
    parse(settings, settings.inline.join('\n'), inlineSource, log)
    openFollowedFile(path, clock, log, ({ text }) => void parse(settings, text, sourceOf(path), log))
  },
  setup,
}

const reloadTime = (metrics: MetricsRegistry): GaugeCell =>
  metrics.gauge('coredns_hosts_reload_timestamp_seconds', 'When the hosts file that is in use was changed.', []).with()

const pathOf = ({ file }: HostsSettings, folder: string): string =>
  file === undefined ? '/etc/hosts' : resolve(folder, file)

const inlineSource = 'Inline hosts entries'
const sourceOf = (path: string): string => `Hosts file "${path}"`

const parse = ({ zones, reverse }: HostsSettings, text: string, source: string, log: FileReading['log']): Entries =>
  parseHosts(text, { zones, reverse, source, onError: log.error })

function setup(settings: HostsSettings, { block, clock, directive, log, metrics }: Setup): Instance {
  const path = pathOf(settings, block.root)
  const entries = metrics.gauge('coredns_hosts_entries', 'Entries of the hosts file and the Corefile.', ['hostsfile'])
  const reloadedAt = reloadTime(metrics)
  const inline = parse(settings, settings.inline.join('\n'), inlineSource, log)
  let fromFile = noEntries
  const sources = () => [fromFile, inline]
  const lookup = createLookup(sources)
  const zones = staticZones(settings, block.zones)
  const source = staticSource({ zones, directive, clock, log })

  const watchers = new Set<() => void>()
  /** Zones with names that the table lacks and the handler answers. */
  const passage: RelayPassage = {
    get zones() {
      return [...ownZones(zones), ...unlistedZones(sources(), settings.reverse)]
    },
    watch(changed) {
      watchers.add(changed)
      return { remove: () => watchers.delete(changed) }
    },
  }

  function publish(): void {
    for (const changed of watchers) changed()
    entries.with(path).set(fromFile.count + inline.count)
    source.update(recordsOf(sources(), lookup, settings.ttl))
  }

  const file = openFollowedFile(path, clock, log, ({ text, modifiedAt }) => {
    fromFile = parse(settings, text, sourceOf(path), log)
    reloadedAt.set(modifiedAt / 1000)
    publish()
  })
  publish()
  let following: { stop(): void } | undefined
  return {
    handler: createHandler(settings, lookup),
    provides: [...source.provides, provide(relayPassage, passage)],
    start() {
      following = file.follow(settings.reload)
    },
    stop() {
      following?.stop()
      source.stop()
      entries.forget(path)
    },
  }
}

/** Zones whose missing names do not fall through. */
const ownZones = (zones: readonly StaticZone[]): string[] =>
  zones.flatMap(({ zone, fallthrough }) => (fallthrough ? [] : [zone]))

/** Below wildcards, and below the reverse names of IPv6 addresses (`addressOfReverseName`). */
const unlistedZones = (sources: readonly Entries[], reverse: boolean): string[] => [
  ...sources.flatMap(({ wildcards }) => [...wildcards.keys()].map(parentOf)),
  ...(reverse && sources.some(({ pointers }) => pointers.size > 0) ? ['ip6.arpa.'] : []),
]

const reverseTrees = ['in-addr.arpa.', 'ip6.arpa.']
const isReverse = (zone: string) => reverseTrees.some((tree) => isSubdomain(tree, zone))

/**
 * PTR queries are answered whatever ZONES says, so the table also gets the reverse trees that the block serves. There,
 * types other than PTR fall through or fail like a missing name.
 */
function staticZones(
  { zones, fallthrough = [], fallthroughUnsupported }: HostsSettings,
  served: readonly string[],
): StaticZone[] {
  const own = zones.map((zone): StaticZone => {
    const fallsThrough = fallthrough.some((through) => isSubdomain(through, zone))
    const leavesTypes = isReverse(zone) || (fallthroughUnsupported && fallsThrough)
    return { zone, fallthrough: fallsThrough, ...(!leavesTypes && { emptyTypes: [type.A, type.AAAA] }) }
  })
  const trees = reverseTrees.filter((tree) => !zones.includes(tree) && served.some((zone) => isSubdomain(zone, tree)))
  return [...own, ...trees.map((zone) => ({ zone, fallthrough: true }))]
}
