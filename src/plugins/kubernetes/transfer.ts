/** Zones of the cluster for those who want them whole. */
import type { ClusterListener } from '../../k8s/model/types.ts'
import { zoneSpec } from '../../cluster-dns/records/table-node.ts'
import { soaRecord } from '../../cluster-dns/records/reply-records.ts'
import { isTransferable, zoneRecords } from '../../cluster-dns/records/zone-transfer.ts'
import type { SharedCluster, TransferSource } from '../../plugin/contract.ts'

export function createTransferSource(zones: readonly string[], cluster: SharedCluster): TransferSource {
  return {
    zones,
    serial(zone) {
      const knowledge = cluster.knowledge()
      return isTransferable(knowledge, zone) ? zoneSpec(knowledge, zone, false).soa.serial : undefined
    },
    snapshot(zone) {
      const knowledge = cluster.knowledge()
      if (!isTransferable(knowledge, zone)) return undefined
      const spec = zoneSpec(knowledge, zone, false)
      cluster.sealSerials()
      return { serial: spec.soa.serial, soa: soaRecord(spec, zone), records: zoneRecords(knowledge, zone) }
    },
    watch(changed) {
      const listener: ClusterListener = { service: changed, serviceImport: changed, namespace: changed, sync: changed }
      const subscription = cluster.subscribe(listener)
      return { stop: subscription.unsubscribe }
    },
  }
}
