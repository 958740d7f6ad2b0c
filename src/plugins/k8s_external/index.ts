import type { ClusterContext } from '../../cluster-dns/context.ts'
import { externalSerial, externalSoa } from '../../cluster-dns/external/external-lookup.ts'
import { externalZoneRecords } from '../../cluster-dns/external/external-records.ts'
import { isTransferable } from '../../cluster-dns/records/zone-transfer.ts'
import { isSubdomain } from '../../dns/name.ts'
import type { Instance, Plugin, Setup, SharedCluster, TransferSource } from '../../plugin/contract.ts'
import { createHandler, plugin } from './handler.ts'
import { type Settings, schema } from './settings.ts'

/** Answers for the services of the block's cluster under a zone of their own, with their external addresses. */
export const k8sExternal: Plugin<Settings> = { name: plugin, schema, setup }

function setup(settings: Settings, { block, fail }: Setup): Instance {
  function cluster(): SharedCluster {
    return (
      block.instance('kubernetes')?.cluster ??
      fail('the server block has no kubernetes: it is the cluster that this plugin answers from')
    )
  }
  const context = (): ClusterContext => cluster().context()
  const { zones } = settings
  return {
    handler: createHandler(settings, context),
    transparency: {
      passes: (name) => !zones.some((zone) => isSubdomain(zone, name)),
      passesBelow: (name) => !zones.some((zone) => isSubdomain(zone, name) || isSubdomain(name, zone)),
      reason: 'it answers names of its zones in the chain',
    },
    transfer: createTransferSource(settings, cluster),
    live: zones,
    start: () => void cluster(),
  }
}

function createTransferSource(settings: Settings, cluster: () => SharedCluster): TransferSource {
  const context = (): ClusterContext => cluster().context()
  return {
    zones: settings.zones,
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
