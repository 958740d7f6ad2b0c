/** The search lists that the kubelet writes into pods' resolv.conf (`dnsPolicy: ClusterFirst`). */

import type { ClusterContext } from '../../cluster-dns/context.ts'
import { parseClusterName } from '../../cluster-dns/names/cluster-name.ts'
import { isReverseZone, zoneOf } from '../../cluster-dns/settings.ts'
import { below } from '../../dns/name.ts'
import type { SearchLists } from '../autopath/capability.ts'

/**
 * `nodeDomains`: the search list of the node's own resolv.conf, which the kubelet appends to each pod's. A cluster's
 * DNS has it, too, because it runs with the node's resolv.conf (`dnsPolicy: Default`).
 */
export function createSearchLists(context: () => ClusterContext, nodeDomains: () => readonly string[]): SearchLists {
  return {
    of({ name, client }) {
      const { view, settings } = context()
      const zone = zoneOf(settings, name)
      if (zone === undefined || isReverseZone(zone) || view.availability('pods') !== 'synced') return undefined
      const namespace = namespaceOf(view.podsByIP(client.address))
      if (namespace === undefined) return undefined
      return [below(`${namespace}.svc`, zone), below('svc', zone), zone, ...nodeDomains()]
    },
    get zones() {
      return context().settings.zones.filter((zone) => !isReverseZone(zone))
    },
    mayBegin(domain) {
      const { settings } = context()
      const zone = settings.pods === 'verified' ? zoneOf(settings, domain) : undefined
      if (zone === undefined) return false
      const place = parseClusterName(zone, domain)
      return place.kind === 'namespace' && place.tree === 'svc'
    },
  }
}

/**
 * The namespace of the client, if its address identifies it: a terminating pod may have released its address already,
 * and pods on the host's network share theirs.
 */
function namespaceOf(
  pods: readonly { readonly namespace: string; readonly terminating: boolean }[],
): string | undefined {
  const namespaces = new Set(pods.flatMap(({ namespace, terminating }) => (terminating ? [] : [namespace])))
  const [namespace] = namespaces
  return namespaces.size === 1 ? namespace : undefined
}
