/**
 * The SRV records of one answer while they are collected, with their targets' addresses. A Service may have 15,000 ports
 * and a slice 1,000 endpoints: the set is full when it exceeds what any message holds, and what is beyond is not computed.
 * Such an answer is cut to what fits and marked TC, over TCP too, as CoreDNS does with the whole.
 */
import { nameToWire } from '../../dns/name.ts'
import type { ServicesSpec } from '../../table/spec.ts'
import { absoluteName } from '../names/cluster-name.ts'
import { distinctAddresses } from './distinct-addresses.ts'
import { createMessageOctets } from './message-octets.ts'

/** Priority, weight and port. */
const fixedOctets = 6
const maxWeight = 65_535
/** Of one target. A message of 64 KiB holds fewer; thousands of endpoints may share a hostname. */
const maxAddresses = 4096

export interface SrvTarget {
  readonly index: number
  readonly name: string
  /** Of the name in a message. */
  readonly octets: number
  readonly addresses: TargetAddresses
}

/** Of 4 and of 16 octets; the same may come twice. */
interface TargetAddresses {
  readonly a: Uint8Array[]
  readonly aaaa: Uint8Array[]
}

interface SrvRecord {
  readonly priority: number
  weight: number
  readonly port: number
  /** Index of the target. */
  readonly target: number
  readonly source: object | undefined
}

export interface SrvSet {
  /** More records would not be sent. */
  readonly isFull: boolean
  readonly size: number
  /** The target of this name, new or known. Undefined for an invalid name: its endpoint is left out. */
  target(name: string): SrvTarget | undefined
  /** Adds an address of 4 or 16 octets to what the additional section may have. */
  addAddress(target: SrvTarget, address: Uint8Array): void
  /** Adds a record unless there is one of this target and port; one of the same `source` gets the weight on top. */
  add(target: SrvTarget, port: number, priority: number, weight: number, source?: object): void
  spec(ttl: number): ServicesSpec
}

const noAddress = new Uint8Array(0)

/** The addresses, each once. */
function packed(addresses: readonly Uint8Array[], width: 4 | 16): Uint8Array {
  if (addresses.length < 2) return addresses[0] ?? noAddress
  return distinctAddresses([{ width, addresses: Buffer.concat(addresses), count: addresses.length }], width)
}

export function createSrvSet(): SrvSet {
  const targets = new Map<string, SrvTarget | undefined>()
  const valid: SrvTarget[] = []
  const records: SrvRecord[] = []
  const byTargetAndPort = new Map<number, SrvRecord>()
  const message = createMessageOctets()

  function createTarget(name: string): SrvTarget | undefined {
    if (absoluteName(name) === undefined) return undefined
    const target = { index: valid.length, name, octets: nameToWire(name).length, addresses: { a: [], aaaa: [] } }
    valid.push(target)
    return target
  }

  return {
    get isFull() {
      return message.isFull
    },
    get size() {
      return records.length
    },
    target(name) {
      if (!targets.has(name)) targets.set(name, createTarget(name))
      return targets.get(name)
    },
    addAddress({ addresses: { a, aaaa } }, address) {
      const family = address.length === 4 ? a : aaaa
      if (family.length < maxAddresses) family.push(address)
    },
    add(target, port, priority, weight, source) {
      const key = target.index * 65_536 + port
      const known = byTargetAndPort.get(key)
      if (known) {
        if (source && known.source === source) known.weight = Math.min(maxWeight, known.weight + weight)
        return
      }
      const record = { priority, weight, port, target: target.index, source }
      byTargetAndPort.set(key, record)
      records.push(record)
      message.add(fixedOctets + target.octets)
    },
    spec: (ttl) => ({
      kind: 'services',
      ttl,
      targets: valid.map(({ name, addresses: { a, aaaa } }) => ({ name, a: packed(a, 4), aaaa: packed(aaaa, 16) })),
      records: records.map(({ priority, weight, port, target }) => ({ priority, weight, port, target })),
    }),
  }
}
