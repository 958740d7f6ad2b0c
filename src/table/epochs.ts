/**
 * Decides when an unlinked block may be reused: once every reader has begun a batch after the unlinking or is OFFLINE.
 * FORMAT.md lists the caller's duties, in order.
 */
import type { Allocator } from './allocator.ts'
import { cell, maxReaders, OFFLINE, readerCell } from './layout.ts'

export interface Epochs {
  addReader(): { readonly slot: number; release(): void }
  /** The block must be unreachable: unlinked (Atomics) before this call. */
  retire(offset: number): void
  reclaim(): void
  retiredBytes(): number
}

/** Reclaiming loops over all readers, so it is tried only after this many retired blocks or octets. */
const tryBlocks = 64
const tryBytes = 256 * 1024

export function createEpochs(words: Int32Array, allocator: Allocator): Epochs {
  const freeSlots: number[] = []
  let slots = 0
  // A ring of (offset, epoch at retirement), oldest first; its length is a power of two.
  let ring = new Int32Array(2 * 256)
  let head = 0
  let count = 0
  let bytes = 0
  let sinceTry = 0
  let bytesAtTry = 0

  Atomics.store(words, cell.epoch, 1)

  function push(offset: number, epoch: number): void {
    if (count * 2 === ring.length) grow()
    const at = ((head + count) * 2) & (ring.length - 1)
    ring[at] = offset
    ring[at + 1] = epoch
    count++
  }

  function grow(): void {
    const larger = new Int32Array(ring.length * 2)
    for (let i = 0; i < ring.length; i++) larger[i] = ring[(head * 2 + i) & (ring.length - 1)]
    ring = larger
    head = 0
  }

  function nextEpoch(): number {
    const epoch = (words[cell.epoch] + 1) | 0
    const valid = epoch === OFFLINE ? 1 : epoch
    Atomics.store(words, cell.epoch, valid)
    return valid
  }

  /** The oldest epoch that a reader is still in, `now` if none. Epochs wrap, so they are compared by difference. */
  function oldestReader(now: number): number {
    let oldest = now
    for (let slot = 0; slot < slots; slot++) {
      const seen = Atomics.load(words, readerCell(slot))
      if (seen !== OFFLINE && ((seen - oldest) | 0) < 0) oldest = seen
    }
    return oldest
  }

  function reclaim(): void {
    sinceTry = 0
    if (count > 0) {
      const oldest = oldestReader(nextEpoch())
      while (count > 0) {
        const at = (head * 2) & (ring.length - 1)
        if (((ring[at + 1] - oldest) | 0) >= 0) break
        bytes -= allocator.sizeOf(ring[at])
        allocator.free(ring[at])
        head = (head + 1) & (ring.length / 2 - 1)
        count--
      }
    }
    bytesAtTry = bytes
  }

  return {
    addReader() {
      const slot = freeSlots.pop() ?? slots
      if (slot === maxReaders) throw new RangeError(`the answer table has at most ${maxReaders} readers`)
      if (slot === slots) slots++
      Atomics.store(words, readerCell(slot), OFFLINE)
      let released = false
      return {
        slot,
        release() {
          if (released) return
          released = true
          Atomics.store(words, readerCell(slot), OFFLINE)
          freeSlots.push(slot)
        },
      }
    },
    retire(offset) {
      push(offset, words[cell.epoch])
      bytes += allocator.sizeOf(offset)
      if (++sinceTry >= tryBlocks || bytes - bytesAtTry >= tryBytes) reclaim()
    },
    reclaim,
    retiredBytes: () => bytes,
  }
}
