/** Services that can be browsed (RFC 6763): which types of service a namespace has, and who offers them. */
import type { Service } from '../cluster/types.ts'
import { rdata } from '../dns/rdata.ts'
import { type Finding, missing } from './finding.ts'
import { isHidden } from './hidden.ts'
import { absoluteName, type BrowsePlace, namespaceName, type ServicePlace } from './place.ts'
import type { Knowledge } from './settings.ts'
import { serviceTtl } from './ttl.ts'
import { isShown } from './visible.ts'

/** `_port._proto` to the names of the services that have such a port; both in their order. */
export type Listing = ReadonlyMap<string, readonly string[]>

/** Listings of namespaces, kept until one of their services changes: some have thousands. */
export interface Browsing {
  changed(namespace: string, name: string): void
  listing(knowledge: Knowledge, namespace: string): Listing
}

/** What the records of one name may take of a message: as for TXT (annotations/metadata.ts). */
const maxOctets = 64_000

export function createBrowsing(): Browsing {
  const known = new Map<string, { readonly listing: Listing; readonly types: ReadonlyMap<string, string> }>()
  const dirty = new Map<string, Set<string>>()

  function isStale(knowledge: Knowledge, namespace: string): boolean {
    const types = known.get(namespace)?.types
    for (const name of dirty.get(namespace) ?? []) {
      const service = knowledge.view.service(namespace, name)
      if (types && typesOf(knowledge, service).join(' ') !== (types.get(name) ?? '')) return true
    }
    return types === undefined
  }

  return {
    changed(namespace, name) {
      if (known.has(namespace)) dirty.set(namespace, (dirty.get(namespace) ?? new Set()).add(name))
    },
    listing(knowledge, namespace) {
      if (isStale(knowledge, namespace)) known.set(namespace, read(knowledge, namespace))
      dirty.delete(namespace)
      return known.get(namespace)!.listing
    },
  }
}

function read(knowledge: Knowledge, namespace: string) {
  const types = new Map<string, string>()
  const offers = new Map<string, string[]>()
  for (const service of knowledge.view.servicesIn(namespace)) {
    const own = typesOf(knowledge, service)
    if (own.length > 0) types.set(service.name, own.join(' '))
    for (const type of own) {
      const names = offers.get(type)
      if (names) names.push(service.name)
      else offers.set(type, [service.name])
    }
  }
  const listing = new Map([...offers].sort(([a], [b]) => (a < b ? -1 : 1)))
  for (const names of listing.values()) names.sort()
  return { listing, types }
}

/** Types of service that a service is listed under: its named ports. An ExternalName has no SRV records. */
export function typesOf(knowledge: Knowledge, service: Service | undefined): string[] {
  if (!service || service.type === 'ExternalName' || isHidden(knowledge, service)) return []
  const types = service.ports.flatMap(({ name, protocol }) => {
    const type = `_${name}._${protocol}`
    // A name of this kind means something else already; and a label has at most 63 octets, its underscore among them.
    return name === '' || name.length > 62 || type === '_dns-sd._udp' ? [] : [type]
  })
  return [...new Set(types)]
}

export function findBrowse(knowledge: Knowledge, zone: string, place: BrowsePlace): Finding {
  const { view, settings, browsing } = knowledge
  const { namespace } = place
  // A list is whole, or none: what it leaves out would not be there.
  const unknown = missing(view)
  if (unknown.kind === 'unknown') return unknown
  const listed = (names: readonly string[]): Finding => ({ kind: 'listed', names: fitting(names), ttl: settings.ttl })
  if (namespace === '') {
    const shown = [...view.namespaces()].filter(({ name }) => isShown(knowledge, name))
    const domains = shown.map(({ name }) => namespaceName(name, 'svc', zone)).sort()
    return listed(place.what === 'domains' ? domains : [])
  }
  if (!isShown(knowledge, namespace)) return missing(view)
  const domain = namespaceName(namespace, 'svc', zone)
  if (place.what === 'domains') return listed([domain])
  const listing = browsing.listing(knowledge, namespace)
  switch (place.what) {
    case 'types':
      return listed([...listing.keys()].map((type) => `${type}.${domain}`))
    case 'instances': {
      const names = listing.get(place.type)
      return names ? listed(names.map((name) => `${name}.${place.type}.${domain}`)) : missing(view)
    }
    case 'nothing': {
      // `_udp` is above the names of browsing itself.
      const isThere = place.type === '_udp' || [...listing.keys()].some((type) => type.endsWith(`.${place.type}`))
      return isThere ? listed([]) : missing(view)
    }
  }
}

/** As many as fit one message. Those that are too long to be names are left out. */
function fitting(names: readonly string[]): string[] {
  let left = maxOctets
  return names.filter((name) => {
    left -= name.length + 13
    return left >= 0 && absoluteName(name) !== undefined
  })
}

/** `NAME._port._proto`: what a service has at that port, and its metadata, or that it has none (RFC 6763 §6.1). */
export function findInstance(knowledge: Knowledge, service: Service, place: ServicePlace, port: Finding): Finding {
  if (!typesOf(knowledge, service).includes(`_${place.port}._${place.protocol}`)) return missing(knowledge.view)
  const { metadata = [rdata.txt([''])] } = knowledge.annotations.service(service)
  return { kind: 'instance', port, texts: metadata, ttl: serviceTtl(knowledge, service).seconds }
}
