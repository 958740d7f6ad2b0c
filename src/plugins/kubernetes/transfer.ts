/** Zone transfers of the cluster's zones. */

import { soaRecord } from '../../cluster-dns/records/reply-records.ts'
import { zoneSpec } from '../../cluster-dns/records/table-node.ts'
import { isTransferable, zoneRecords } from '../../cluster-dns/records/zone-transfer.ts'
import type { EventSubscriber } from '../../k8s/model/event-feed.ts'
import type { SharedCluster } from '../k8s_external/capability.ts'
import type { TransferSource } from '../transfer/capability.ts'

export function createTransferSource(zones: readonly string[], cluster: SharedCluster): TransferSource {
  return {
    zones,
    serialsAreTimes: true,
    serial(zone) {
      const context = cluster.context()
      return isTransferable(context, zone) ? zoneSpec(context, zone, false).soa.serial : undefined
    },
    snapshot(zone) {
      const context = cluster.context()
      if (!isTransferable(context, zone)) return undefined
      const spec = zoneSpec(context, zone, false)
      cluster.sealSerials()
      return { serial: spec.soa.serial, soa: soaRecord(spec, zone), records: zoneRecords(context, zone) }
    },
    watch(changed) {
      const subscriber: EventSubscriber = {
        service: changed,
        serviceImport: changed,
        namespace: changed,
        sync: changed,
      }
      const subscription = cluster.subscribe('observers', subscriber)
      return { stop: subscription.unsubscribe }
    },
  }
}
