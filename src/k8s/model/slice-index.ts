/** EndpointSlices by service and by address. */
import { createAddressIndex, hashAddress } from './address-index.ts'
import { sameBytes } from './compare.ts'
import type { EndpointSlice } from './types.ts'

export interface SliceIndex {
  /** The slices of a service by name; [] if none. The returned array never changes. */
  of(namespace: string, service: string): readonly EndpointSlice[]
  /** Every endpoint with this address, ordered by namespace and name of the slice. */
  endpoints(address: Uint8Array): readonly AddressEntry[]
  /**
   * Replaces `before` by `after` in one step. Returns an iterable over the addresses that were gained, lost or changed in
   * flags or names (each at least once), as views into the slices.
   */
  replace(before: EndpointSlice | undefined, after: EndpointSlice | undefined): () => Iterable<Uint8Array>
  /** Takes all of them out, in a fraction of the time that one after the other takes: `replace` finds no `before` any more. */
  clear(): void
}

export interface AddressEntry {
  readonly slice: EndpointSlice
  readonly index: number
}

const noSlices: readonly EndpointSlice[] = Object.freeze([])

export function createSliceIndex(): SliceIndex {
  const services = new Map<string, Map<string, readonly EndpointSlice[]>>()
  let addresses = createAddressIndex()
  /** A slice's number in the address index; its next version inherits it. */
  const numbers = new Map<EndpointSlice, number>()
  const numbered: (EndpointSlice | undefined)[] = []
  const freeNumbers: number[] = []

  const of = (namespace: string, service: string) => services.get(namespace)?.get(service) ?? noSlices

  /** Replaces the list in one step: a reader between two events sees either the old slice or the new one. */
  const setOf = (namespace: string, service: string, slices: readonly EndpointSlice[]): void => {
    let inNamespace = services.get(namespace)
    if (inNamespace === undefined) {
      inNamespace = new Map()
      services.set(namespace, inNamespace)
    }
    if (slices.length > 0) {
      inNamespace.set(service, slices)
      return
    }
    inNamespace.delete(service)
    if (inNamespace.size === 0) services.delete(namespace)
  }

  const replaceInService = (before: EndpointSlice | undefined, after: EndpointSlice | undefined): void => {
    const moved = before?.service !== after?.service
    if (after !== undefined) {
      const others = of(after.namespace, after.service).filter((slice) => slice !== before)
      const at = others.findIndex((slice) => slice.name > after.name)
      setOf(after.namespace, after.service, others.toSpliced(at < 0 ? others.length : at, 0, after))
    }
    if (before !== undefined && moved) {
      const others = of(before.namespace, before.service).filter((slice) => slice !== before)
      setOf(before.namespace, before.service, others)
    }
  }

  const numberOf = (before: EndpointSlice | undefined, after: EndpointSlice | undefined): number => {
    const number = (before && numbers.get(before)) ?? freeNumbers.pop() ?? numbered.length
    if (before !== undefined) numbers.delete(before)
    numbered[number] = after
    if (after !== undefined) numbers.set(after, number)
    else freeNumbers.push(number)
    return number
  }

  return {
    of,
    endpoints(address) {
      const found: AddressEntry[] = []
      for (const number of addresses.find(hashAddress(address, 0, address.length))) {
        const slice = numbered[number]
        if (slice === undefined || sizeOf(slice) !== address.length) continue
        for (let index = 0; index < slice.count; index++) {
          if (holds(slice, index, address)) found.push({ slice, index })
        }
      }
      return found.sort(byName)
    },
    replace(before, after) {
      if (after === undefined && !numbers.has(before!)) return () => []
      replaceInService(before, after)
      const number = numberOf(before, after)
      if (before !== undefined && after !== undefined && sameAddresses(before, after)) {
        return () => changedPlaces(before, after)
      }
      const lost = hashesOf(before)
      const gained = hashesOf(after)
      for (const hash of gained) if (!lost.has(hash)) addresses.add(hash, number)
      for (const hash of lost) if (!gained.has(hash)) addresses.remove(hash, number)
      return () => {
        if (before !== undefined && after !== undefined) return movedAddresses(before, after)
        const only = after ?? before
        return only === undefined ? [] : allAddresses(only)
      }
    },
    clear() {
      services.clear()
      numbers.clear()
      numbered.length = 0
      freeNumbers.length = 0
      addresses = createAddressIndex()
    },
  }
}

/** Octets of an address; 0 for FQDN slices. */
function sizeOf(slice: EndpointSlice): number {
  return slice.addressType === 'IPv4' ? 4 : slice.addressType === 'IPv6' ? 16 : 0
}

function sameAddresses(a: EndpointSlice, b: EndpointSlice): boolean {
  return a.addressType === b.addressType && sameBytes(a.addresses, b.addresses)
}

function holds(slice: EndpointSlice, index: number, address: Uint8Array): boolean {
  const at = index * address.length
  for (let i = 0; i < address.length; i++) {
    if (slice.addresses[at + i] !== address[i]) return false
  }
  return true
}

/** Each hash once, so that the index has a slice once per hash, however often it repeats an address. */
function hashesOf(slice: EndpointSlice | undefined): Set<number> {
  const hashes = new Set<number>()
  if (slice === undefined) return hashes
  const size = sizeOf(slice)
  for (let at = 0; at < slice.addresses.length; at += size) hashes.add(hashAddress(slice.addresses, at, size))
  return hashes
}

/** For equal addresses in equal order: those whose facts differ. */
function* changedPlaces(before: EndpointSlice, after: EndpointSlice): Iterable<Uint8Array> {
  const size = sizeOf(after)
  const moved = before.service !== after.service
  for (let index = 0; size > 0 && index < after.count; index++) {
    if (moved || !sameFacts(before, index, after, index)) yield addressAt(after, index, size)
  }
}

function* allAddresses(slice: EndpointSlice): Iterable<Uint8Array> {
  const size = sizeOf(slice)
  for (let index = 0; size > 0 && index < slice.count; index++) yield addressAt(slice, index, size)
}

/** Used instead of an index for an address that occurs several times. */
const several = -1

/** Addresses that only one side has, or that have different facts. */
function* movedAddresses(before: EndpointSlice, after: EndpointSlice): Iterable<Uint8Array> {
  const old = new Map<string, number>()
  const oldSize = sizeOf(before)
  const size = sizeOf(after)
  for (let index = 0; oldSize > 0 && index < before.count; index++) {
    const key = addressKey(addressAt(before, index, oldSize))
    // An address that occurs twice has the facts of both: it counts as changed.
    old.set(key, old.has(key) ? several : index)
  }
  for (let index = 0; size > 0 && index < after.count; index++) {
    const address = addressAt(after, index, size)
    const key = addressKey(address)
    const was = old.get(key)
    old.delete(key)
    const one = was !== undefined && was !== several
    const same = one && before.service === after.service && sameFacts(before, was, after, index)
    if (!same) yield address
  }
  for (let index = 0; oldSize > 0 && index < before.count; index++) {
    const address = addressAt(before, index, oldSize)
    if (old.delete(addressKey(address))) yield address
  }
}

function addressAt(slice: EndpointSlice, index: number, size: number): Uint8Array {
  return slice.addresses.subarray(index * size, (index + 1) * size)
}

function addressKey(address: Uint8Array): string {
  return String.fromCharCode(...address)
}

function sameFacts(a: EndpointSlice, i: number, b: EndpointSlice, j: number): boolean {
  return a.flags[i] === b.flags[j] && a.hostnames?.[i] === b.hostnames?.[j] && a.podNames?.[i] === b.podNames?.[j]
}

function byName(a: AddressEntry, b: AddressEntry): number {
  return order(a.slice.namespace, b.slice.namespace) || order(a.slice.name, b.slice.name) || a.index - b.index
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
