import type { ClusterContext } from '../../cluster-dns/context.ts'
import { externalSerial, externalSoa } from '../../cluster-dns/external/external-lookup.ts'
import { externalZoneRecords } from '../../cluster-dns/external/external-records.ts'
import { limitedTtl } from '../../cluster-dns/features/ttl/snapshot-ttl.ts'
import { isTransferable } from '../../cluster-dns/records/zone-transfer.ts'
import { transparency } from '../../plugin/capabilities/transparency.ts'
import { provide } from '../../plugin/capability.ts'
import type { Instance, Plugin, Setup } from '../../plugin/contract.ts'
import { offers } from '../../plugin/declared-plugin.ts'
import { zoneMatcher } from '../../plugin/name-matcher.ts'
import { transparencyOf } from '../../plugin/transparency-of.ts'
import { dynamicZones } from '../cache/capability.ts'
import { type TransferSource, transferSource } from '../transfer/capability.ts'
import { type SharedCluster, sharedCluster } from './capability.ts'
import { createHandler, plugin } from './handler.ts'
import { type Settings, schema } from './settings.ts'

/** Answers with the external addresses of the cluster's services, in zones outside of the cluster's. */
export const k8sExternal: Plugin<Settings> = {
  name: plugin,
  schema,
  unmetRequirement: (_, plugins) =>
    plugins.some((other) => offers(other, sharedCluster)) ? undefined : clusterMissing,
  setup,
}

const clusterMissing = "requires the plugin 'kubernetes' in the same server block"

function setup(settings: Settings, { block, directive, fail }: Setup): Instance {
  function cluster(): SharedCluster {
    return block.capability(sharedCluster) ?? fail(clusterMissing)
  }
  const context = (): ClusterContext => cluster().context()
  const { zones } = settings
  const handler = createHandler(() => ({ ...settings, ttl: limitedTtl(context().view, settings.ttl) }), context)
  const { at } = directive
  const rules = zones.map((zone) => ({
    names: zoneMatcher(zone),
    reason: `it answers names in ${zone} in the chain`,
    at,
  }))
  return {
    handler,
    provides: [
      provide(transparency, transparencyOf(rules)),
      provide(transferSource, createTransferSource(settings, cluster)),
      provide(dynamicZones, { zones, handler }),
    ],
    start: () => void cluster(),
  }
}

function createTransferSource(settings: Settings, cluster: () => SharedCluster): TransferSource {
  const context = (): ClusterContext => cluster().context()
  return {
    zones: settings.zones,
    serialsAreTimes: true,
    serial: () => (isTransferable(context()) ? externalSerial(context(), settings) : undefined),
    snapshot(zone) {
      const known = context()
      if (!isTransferable(known)) return undefined
      cluster().sealSerials()
      return {
        serial: externalSerial(known, settings),
        soa: externalSoa(known, settings, zone),
        records: externalZoneRecords(known, settings, zone),
      }
    },
    watch(changed) {
      const subscription = cluster().subscribe('observers', { service: changed, namespace: changed, sync: changed })
      return { stop: subscription.unsubscribe }
    },
  }
}
