/** The cluster that `k8s_external` answers from, which another plugin of the block watches. */
import type { ClusterContext } from '../../cluster-dns/context.ts'
import type { Cluster } from '../../k8s/model/cluster.ts'
import { defineCapability } from '../../plugin/capability.ts'

/** Each method throws before the plugin has started. */
export interface SharedCluster extends Pick<Cluster, 'subscribe' | 'sealSerials'> {
  context(): ClusterContext
}

export const sharedCluster = defineCapability<SharedCluster>('cluster')
