/**
 * Packs one EndpointSlice at a time. Addresses are collected in scratch space; only a slice that differs from the one in the
 * model is copied out of it, so a re-list of 150,000 endpoints without changes allocates next to nothing.
 */
import { readAddress } from '../model/address.ts'
import { sameBytes, sameSlice, sameTexts } from '../model/compare.ts'
import { createTargetNames, type Octets } from '../model/target-names.ts'
import type { EndpointSlice, ServicePort } from '../model/types.ts'
import { endpointFlag } from '../model/types.ts'
import { type Keep, MalformedObject, type MetaDraft, namespaced } from './draft.ts'

export interface SliceBuilder {
  /** Starts over. `addressType` as in the object; throws MalformedObject when it is unknown. */
  begin(addressType: string): void
  /** Sets the facts of the endpoint whose addresses follow. Absent conditions are undefined. */
  endpoint(facts: EndpointFacts): void
  /** Adds an address. False, with nothing added, when the text is not an address of the slice's type. */
  address(text: Uint8Array, start: number, end: number): boolean
  /**
   * The slice of `service`; `previous` itself if nothing changed. Throws MalformedObject for an invalid name.
   */
  finish(
    meta: MetaDraft,
    service: string,
    ports: readonly ServicePort[],
    previous: EndpointSlice | undefined,
  ): EndpointSlice
  /** Creates a slice from packed places. Throws MalformedObject if they are inconsistent. */
  whole(meta: MetaDraft, service: string, ports: readonly ServicePort[], places: SlicePlaces): EndpointSlice
}

/** In EndpointSlice's form, which keeps the arrays; [] if no place has a value. */
export interface SlicePlaces {
  readonly addressType: string
  readonly addresses: Uint8Array
  readonly flags: Uint8Array
  readonly targets: string
  readonly hostnames: readonly string[]
  readonly podNames: readonly string[]
  readonly zones: readonly string[]
  readonly fqdns: readonly string[]
}

export interface EndpointFacts {
  ready: boolean | undefined
  serving: boolean | undefined
  terminating: boolean | undefined
  hostname: string
  podName: string
  zone: string
  /** targetRef.name and nodeName as in the object; read while an address is added. */
  readonly pod: Octets
  readonly node: Octets
}

const noAnnotations: Readonly<Record<string, string>> = Object.freeze({})
const decoder = new TextDecoder('utf-8')

export function createSliceBuilder(
  keep: Keep,
  sharePorts: (ports: readonly ServicePort[]) => readonly ServicePort[],
): SliceBuilder {
  let size: 0 | 4 | 16 = 4
  let count = 0
  let addresses = new Uint8Array(16 * 128)
  let flags = new Uint8Array(128)
  // Parallel to the places. Emptied by setting the length, so that their storage is reused.
  const names = { hostname: [] as string[], podName: [] as string[], zone: [] as string[], fqdn: [] as string[] }
  const targets = createTargetNames()
  let facts: EndpointFacts
  let bits = 0

  const grow = (): void => {
    const wider = new Uint8Array(flags.length * 2)
    wider.set(flags)
    flags = wider
    const longer = new Uint8Array(addresses.length * 2)
    longer.set(addresses)
    addresses = longer
  }

  const texts = (list: readonly string[], kept: boolean, before: readonly string[] | undefined) => {
    if (!kept || list.every((text) => text === '')) return undefined
    return before !== undefined && sameTexts(before, list) ? before : list
  }

  return {
    begin(addressType) {
      size = addressSize(addressType)
      count = 0
      for (const list of Object.values(names)) list.length = 0
      targets.begin()
    },
    endpoint(next) {
      facts = next
      const ready = next.ready ?? true
      const serving = next.serving ?? ready
      bits =
        (ready ? endpointFlag.ready : 0) |
        (serving ? endpointFlag.serving : 0) |
        (next.terminating ? endpointFlag.terminating : 0)
    },
    address(text, start, end) {
      if (count === flags.length) grow()
      if (size === 0) {
        names.fqdn.push(decoder.decode(text.subarray(start, end)))
      } else if (end - start > 64 || readAddress(text, start, end, addresses, count * size) !== size) {
        return false
      }
      flags[count++] = bits
      names.hostname.push(facts.hostname)
      names.podName.push(facts.podName)
      names.zone.push(facts.zone)
      targets.add(facts.pod, facts.node)
      return true
    },
    whole(meta, service, ports, { addressType, addresses, flags, targets, ...texts }) {
      const octets = addressSize(addressType)
      const places = flags.length
      if (addresses.length !== places * octets) throw new MalformedObject('the numbers of addresses and flags differ')
      const ofAllPlaces = (list: readonly string[]): readonly string[] => {
        if (list.length !== places) throw new MalformedObject('the numbers of names and flags differ')
        return list
      }
      const ofPlaces = (list: readonly string[]): readonly string[] | undefined =>
        list.length === 0 ? undefined : ofAllPlaces(list)
      return {
        ...namespaced(meta),
        uid: keep.sliceUids ? meta.uid : undefined,
        service,
        cluster: meta.sourceCluster,
        addressType: typeOf(octets),
        ports: ports.length === 0 ? [] : sharePorts(ports),
        count: places,
        addresses,
        fqdns: octets === 0 ? ofAllPlaces(texts.fqdns) : undefined,
        flags,
        hostnames: ofPlaces(texts.hostnames),
        podNames: ofPlaces(texts.podNames),
        zones: ofPlaces(texts.zones),
        targets,
        annotations: meta.annotations ?? noAnnotations,
      }
    },
    finish(meta, service, ports, previous) {
      const draft: EndpointSlice = {
        ...namespaced(meta),
        uid: keep.sliceUids ? meta.uid : undefined,
        service,
        cluster: meta.sourceCluster,
        addressType: typeOf(size),
        ports: ports.length === 0 ? [] : sharePorts(ports),
        count,
        addresses: addresses.subarray(0, count * size),
        fqdns: size === 0 ? names.fqdn : undefined,
        flags: flags.subarray(0, count),
        hostnames: texts(names.hostname, true, previous?.hostnames),
        podNames: texts(names.podName, keep.podNames, previous?.podNames),
        zones: texts(names.zone, keep.zones, previous?.zones),
        targets: targets.finish(previous?.targets),
        annotations: meta.annotations ?? noAnnotations,
      }
      if (previous !== undefined && sameSlice(previous, draft)) return previous
      const kept = (list: readonly string[] | undefined, scratch: string[]) => (list === scratch ? [...scratch] : list)
      return {
        ...draft,
        addresses:
          previous !== undefined && sameBytes(previous.addresses, draft.addresses)
            ? previous.addresses
            : draft.addresses.slice(),
        fqdns: size === 0 ? [...names.fqdn] : undefined,
        flags: draft.flags.slice(),
        hostnames: kept(draft.hostnames, names.hostname),
        podNames: kept(draft.podNames, names.podName),
        zones: kept(draft.zones, names.zone),
      }
    },
  }
}

const typeOf = (size: 0 | 4 | 16) => (size === 4 ? 'IPv4' : size === 16 ? 'IPv6' : 'FQDN')

function addressSize(addressType: string): 0 | 4 | 16 {
  if (addressType === 'IPv4') return 4
  if (addressType === 'IPv6') return 16
  if (addressType === 'FQDN') return 0
  throw new MalformedObject(`addressType ${JSON.stringify(addressType)} must be IPv4, IPv6 or FQDN`)
}
