/** Services that can be browsed (RFC 6763): which types of service a namespace has, and who offers them. */

import { rdata } from '../../../dns/rdata.ts'
import type { Service } from '../../../k8s/model/types.ts'
import type { Browsing, ClusterContext } from '../../context.ts'
import { isHiddenWhenEmpty } from '../../lookup/hidden.ts'
import { type LookupResult, missing } from '../../lookup/result.ts'
import { isShown } from '../../lookup/visibility.ts'
import { absoluteName, type BrowseName, namespaceName, type ServiceNameParts } from '../../names/cluster-name.ts'
import { byText, insert, remove } from '../sorted-list.ts'
import { serviceTtl } from '../ttl/ttl.ts'

/** What the records of one name may take of a message: as for TXT (annotations/metadata.ts). */
const maxOctets = 64_000

interface Kept {
  readonly types: string[]
  readonly offers: Map<string, string[]>
  /** What each service was listed under. */
  readonly services: Map<string, readonly string[]>
  /** Services that have changed since. */
  readonly dirty: Set<string>
}

export function createBrowsing(): Browsing {
  const known = new Map<string, Kept>()

  function read({ view }: ClusterContext, namespace: string): Kept {
    const names = [...view.servicesIn(namespace)].map(({ name }) => name)
    const kept: Kept = { types: [], offers: new Map(), services: new Map(), dirty: new Set(names) }
    known.set(namespace, kept)
    return kept
  }

  return {
    changed(namespace, name) {
      known.get(namespace)?.dirty.add(name)
    },
    listing(context, namespace) {
      const kept = known.get(namespace) ?? read(context, namespace)
      for (const name of kept.dirty) update(kept, name, typesOf(context, context.view.service(namespace, name)))
      kept.dirty.clear()
      if (kept.services.size === 0) known.delete(namespace)
      return kept
    },
  }
}

function update({ types, offers, services }: Kept, name: string, now: readonly string[]): void {
  const before = services.get(name) ?? []
  for (const type of before) {
    const names = now.includes(type) ? undefined : offers.get(type)
    if (!names) continue
    remove(names, name, byText)
    if (names.length > 0) continue
    offers.delete(type)
    remove(types, type, byText)
  }
  for (const type of now) {
    const names = offers.get(type) ?? []
    insert(names, name, byText)
    offers.set(type, names)
    insert(types, type, byText)
  }
  if (now.length > 0) services.set(name, now)
  else services.delete(name)
}

/** Types of service that a service is listed under: its named ports. An ExternalName has no SRV records. */
export function typesOf(context: ClusterContext, service: Service | undefined): string[] {
  if (!service || service.type === 'ExternalName' || isHiddenWhenEmpty(context, service)) return []
  const types = service.ports.flatMap(({ name, protocol }) => {
    const type = `_${name}._${protocol}`
    // A name of this kind means something else already; and a label has at most 63 octets, its underscore among them.
    return name === '' || name.length > 62 || type === '_dns-sd._udp' ? [] : [type]
  })
  return [...new Set(types)]
}

export function findBrowse(context: ClusterContext, zone: string, place: BrowseName): LookupResult {
  const { view, settings, browsing } = context
  const { namespace } = place
  // A list is whole, or none: what it leaves out would not be there.
  const unknown = missing(view)
  if (unknown.kind === 'unknown') return unknown
  const listed = (names: readonly string[], above = ''): LookupResult => ({
    kind: 'listed',
    names: fitting(names, above),
    ttl: settings.ttl,
  })
  if (namespace === '') {
    const shown = [...view.namespaces()].filter(({ name }) => isShown(context, name))
    const domains = shown.map(({ name }) => namespaceName(name, 'svc', zone)).sort()
    return listed(place.what === 'domains' ? domains : [])
  }
  if (!isShown(context, namespace)) return missing(view)
  const domain = namespaceName(namespace, 'svc', zone)
  if (place.what === 'domains') return listed([domain])
  const listing = browsing.listing(context, namespace)
  switch (place.what) {
    case 'types':
      return listed(listing.types, `.${domain}`)
    case 'instances': {
      const names = listing.offers.get(place.type)
      return names ? listed(names, `.${place.type}.${domain}`) : missing(view)
    }
    case 'nothing': {
      // `_udp` is above the names of browsing itself.
      const isThere = place.type === '_udp' || listing.types.some((type) => type.endsWith(`.${place.type}`))
      return isThere ? listed([]) : missing(view)
    }
  }
}

/** As many as fit one message. Those that are too long to be names are left out. */
function fitting(labels: readonly string[], above: string): string[] {
  const names: string[] = []
  let left = maxOctets
  for (const label of labels) {
    const name = `${label}${above}`
    if (absoluteName(name) === undefined) continue
    left -= name.length + 13
    if (left < 0) break
    names.push(name)
  }
  return names
}

/** `NAME._port._proto`: what a service has at that port, and its metadata, or that it has none (RFC 6763 §6.1). */
export function findInstance(
  context: ClusterContext,
  service: Service,
  place: ServiceNameParts,
  port: LookupResult,
): LookupResult {
  if (!typesOf(context, service).includes(`_${place.port}._${place.protocol}`)) return missing(context.view)
  const { metadata = [rdata.txt([''])] } = context.annotations.service(service)
  return { kind: 'instance', port, texts: metadata, ttl: serviceTtl(context, service).seconds }
}
