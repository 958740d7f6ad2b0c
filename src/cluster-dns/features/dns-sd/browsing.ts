/** Services that can be browsed (RFC 6763): the service types of a namespace and the services that offer them. */

import { rdata } from '../../../dns/rdata.ts'
import type { Service } from '../../../k8s/model/types.ts'
import type { Browsing, ClusterContext } from '../../context.ts'
import { type LookupResult, missing } from '../../lookup/result.ts'
import { isHiddenWhenEmpty, isShown } from '../../lookup/visibility.ts'
import { absoluteName, type BrowseName, namespaceName, type ServiceNameParts } from '../../names/cluster-name.ts'
import { byText, insert, remove } from '../../names/sorted-list.ts'
import { maxTxtOctets } from '../../records/txt.ts'
import { metadataOf } from '../metadata/texts.ts'
import { serviceTtl } from '../ttl/ttl.ts'

interface Kept {
  readonly types: string[]
  readonly offers: Map<string, string[]>
  /** The types that each service is listed under. */
  readonly services: Map<string, readonly string[]>
  /** Services that changed since. */
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

/** Types of one service: one with thousands of ports would fill the list of its namespace. */
const maxTypes = 256

/** The types that a service is listed under: its named ports, the first ones. An ExternalName has no SRV records. */
export function typesOf(context: ClusterContext, service: Service | undefined): string[] {
  if (!service || service.type === 'ExternalName' || isHiddenWhenEmpty(context, service)) return []
  const types = new Set<string>()
  for (const { name, protocol } of service.ports) {
    if (types.size === maxTypes) break
    const type = `_${name}._${protocol}`
    // `_dns-sd._udp` has another meaning, and a label has at most 63 octets including its underscore.
    if (name !== '' && name.length <= 62 && type !== '_dns-sd._udp') types.add(type)
  }
  return [...types]
}

export function lookupBrowse(context: ClusterContext, zone: string, browseName: BrowseName): LookupResult {
  const { view, settings, browsing } = context
  const { namespace } = browseName
  // A list must be whole: a client takes what it leaves out for missing.
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
    return listed(browseName.what === 'domains' ? domains : [])
  }
  if (!isShown(context, namespace)) return missing(view)
  const domain = namespaceName(namespace, 'svc', zone)
  if (browseName.what === 'domains') return listed([domain])
  const listing = browsing.listing(context, namespace)
  switch (browseName.what) {
    case 'types':
      return listed(listing.types, `.${domain}`)
    case 'instances': {
      const names = listing.offers.get(browseName.type)
      return names ? listed(names, `.${browseName.type}.${domain}`) : missing(view)
    }
    case 'nothing': {
      // `_udp` is above the names of browsing itself.
      const exists = browseName.type === '_udp' || listing.types.some((type) => type.endsWith(`.${browseName.type}`))
      return exists ? listed([]) : missing(view)
    }
  }
}

/** As many as fit one message. Those that are too long for a name are left out. */
function fitting(labels: readonly string[], above: string): string[] {
  const names: string[] = []
  let left = maxTxtOctets
  for (const label of labels) {
    const name = `${label}${above}`
    if (absoluteName(name) === undefined) continue
    left -= name.length + 13
    if (left < 0) break
    names.push(name)
  }
  return names
}

/** `NAME._port._proto`: the service at that port, with its metadata or an empty string (RFC 6763 §6.1). */
export function lookupInstance(
  context: ClusterContext,
  service: Service,
  { port: name, protocol }: ServiceNameParts,
  port: LookupResult,
): LookupResult {
  if (!typesOf(context, service).includes(`_${name}._${protocol}`)) return missing(context.view)
  const metadata = metadataOf(context, service)
  const texts = metadata.length > 0 ? metadata : [rdata.txt([''])]
  return { kind: 'instance', port, texts, ttl: serviceTtl(context, service).seconds }
}
