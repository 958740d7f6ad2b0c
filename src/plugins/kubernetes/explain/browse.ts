/** Lines of `slicedns explain` about names of DNS-based service discovery (`dns_sd`, RFC 6763). */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import type { BrowseName, ServiceNameParts } from '../../../cluster-dns/names/cluster-name.ts'

export const instanceLines = ({ instance, port, protocol }: ServiceNameParts): string[] =>
  instance ? [`dns_sd: an instance of _${port}._${protocol}; SRV of the port, TXT of the metadata`] : []

export function browseLines(context: ClusterContext, browseName: BrowseName): string[] {
  const where = browseName.namespace === '' ? 'the zone' : `Namespace ${browseName.namespace}`
  switch (browseName.what) {
    case 'domains':
      return [`dns_sd: the domains to browse in ${where}`]
    case 'types':
      return [`dns_sd: the service types in ${where}`]
    case 'instances': {
      const names = context.browsing.listing(context, browseName.namespace).offers.get(browseName.type) ?? []
      return [`dns_sd: Services of ${where} with a port ${browseName.type}: ${names.length}`]
    }
    case 'nothing':
      return [`dns_sd: an empty name of ${where}, above those of service types`]
  }
}
