/** Collects the targets of SRV records: each once, with its addresses for the additional section. */
import type { ServicesSpec } from '../../table/spec.ts'
import { includes } from './distinct-addresses.ts'

export interface SrvTarget {
  readonly index: number
  readonly name: string
  readonly ports: number[]
  a: Uint8Array
  aaaa: Uint8Array
}

export interface SrvTargets {
  /** The target of this name, new or known. */
  of(name: string): SrvTarget
  /** Adds an address of 4 or 16 octets, unless the target has it already. */
  add(target: SrvTarget, address: Uint8Array): void
  all(): ServicesSpec['targets']
}

const noAddress = new Uint8Array(0)

export function createSrvTargets(): SrvTargets {
  const targets = new Map<string, SrvTarget>()
  return {
    of(name) {
      let target = targets.get(name)
      if (!target) {
        target = { index: targets.size, name, ports: [], a: noAddress, aaaa: noAddress }
        targets.set(name, target)
      }
      return target
    },
    add(target, address) {
      const family = address.length === 4 ? 'a' : 'aaaa'
      const before = target[family]
      if (before.length === 0) target[family] = address
      else if (!includes(before, before.length / address.length, address, 0, address.length)) {
        target[family] = Buffer.concat([before, address])
      }
    },
    all: () => [...targets.values()],
  }
}
