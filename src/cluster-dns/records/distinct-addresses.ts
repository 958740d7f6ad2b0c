/** Sets of addresses (RFC 2181 §5: no record of an RRset repeats): ten thousand at a time, without an object for each. */
import type { EndpointGroup } from '../lookup/endpoints.ts'

/** Up to this many are compared one by one: cheaper than a hash table. */
const fewAddresses = 8

/** The addresses of one family, each once, in order of appearance. */
export function distinctAddresses(
  groups: readonly Pick<EndpointGroup, 'width' | 'addresses' | 'count'>[],
  width: 4 | 16,
): Uint8Array {
  const fitting = groups.filter((group) => group.width === width)
  if (fitting.length === 1 && fitting[0].count === 1) return fitting[0].addresses
  const total = fitting.reduce((sum, group) => sum + group.count, 0)
  const distinct = new Uint8Array(total * width)
  const seen = total > fewAddresses ? createHashIndex(total) : undefined
  let count = 0
  for (const { addresses, count: places } of fitting) {
    for (let at = 0; at < places * width; at += width) {
      const known = seen
        ? seen.add(distinct, count, addresses, at, width)
        : includes(distinct, count, addresses, at, width)
      if (known) continue
      for (let i = 0; i < width; i++) distinct[count * width + i] = addresses[at + i]
      count++
    }
  }
  return distinct.subarray(0, count * width)
}

/** Whether one of the first `count` addresses of `list` is the one at `bytes[at]`. */
function includes(list: Uint8Array, count: number, bytes: Uint8Array, at: number, width: number): boolean {
  for (let i = 0; i < count; i++) if (equal(list, i * width, bytes, at, width)) return true
  return false
}

function equal(a: Uint8Array, atA: number, b: Uint8Array, atB: number, width: number): boolean {
  for (let i = 0; i < width; i++) if (a[atA + i] !== b[atB + i]) return false
  return true
}

/** Open addressing over the positions in a list that grows; a slot holds a position + 1, or 0. */
function createHashIndex(capacity: number) {
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(capacity * 2)))
  const mask = slots.length - 1
  return {
    /** False when the address at `bytes[at]` is new: then it is noted as the one at `position` of `list`. */
    add(list: Uint8Array, position: number, bytes: Uint8Array, at: number, width: number): boolean {
      let hash = 0
      for (let i = 0; i < width; i++) hash = Math.imul(hash ^ bytes[at + i], 0x01000193)
      for (let slot = (hash ^ (hash >>> 15)) & mask; ; slot = (slot + 1) & mask) {
        if (slots[slot] === 0) {
          slots[slot] = position + 1
          return false
        }
        if (equal(list, (slots[slot] - 1) * width, bytes, at, width)) return true
      }
    },
  }
}
