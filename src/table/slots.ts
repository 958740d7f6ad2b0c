/** The writer's side of the slot array: put, remove, grow. Readers may probe at any time meanwhile. */
import type { Allocator } from './allocator.ts'
import type { Epochs } from './epochs.ts'
import { cell, EMPTY, entryOf, slotOf, slotsHeaderWords, TOMBSTONE } from './layout.ts'

export interface Slots {
  /** The index of the slot that holds `entry`. */
  indexOf(entry: number): number
  /** Publishes a new entry. */
  insert(entry: number): void
  /** Publishes `entry` in place of one with the same key. */
  replace(old: number, entry: number): void
  remove(entry: number): void
  /** Visits every live entry from slot `from` on until `visit` returns false; returns the next slot, or -1 at the end. */
  sweep(from: number, visit: (entry: number) => boolean): number
  /** Changes whenever the array is rebuilt, which invalidates the positions of a sweep. */
  generation(): number
  entries(): number
  size(): number
}

const initialSlots = 1024

export function createSlots(words: Int32Array, allocator: Allocator, epochs: Epochs): Slots {
  let header = 0
  let mask = 0
  let live = 0
  let tombstones = 0
  let generation = 0

  /** A cleared array, not yet visible. */
  function allocateArray(size: number): number {
    const offset = allocator.allocate((slotsHeaderWords + size) * 4)
    const at = offset >> 2
    words.fill(0, at, at + slotsHeaderWords + size)
    words[at] = size - 1
    return at
  }

  /** Builds a new array beside the old one and publishes it in one step. It is at most half full and has no tombstones. */
  function rebuild(): void {
    const old = header
    const oldSize = mask + 1
    let size = oldSize
    while (live * 2 >= size) size *= 2
    const fresh = allocateArray(size)
    const freshMask = size - 1
    for (let i = 0; i < oldSize; i++) {
      const slot = words[old + slotsHeaderWords + i]
      if (slot === EMPTY || slot === TOMBSTONE) continue
      let at = words[entryOf(slot) >> 2] & freshMask
      while (words[fresh + slotsHeaderWords + at] !== EMPTY) at = (at + 1) & freshMask
      words[fresh + slotsHeaderWords + at] = slot
    }
    header = fresh
    mask = freshMask
    tombstones = 0
    generation++
    Atomics.store(words, cell.slots, fresh)
    epochs.retire(old << 2)
  }

  function indexOf(entry: number): number {
    const wanted = slotOf(words[entry >> 2], entry)
    let i = words[entry >> 2] & mask
    while (words[header + slotsHeaderWords + i] !== wanted) i = (i + 1) & mask
    return i
  }

  const store = (i: number, slot: number): void => {
    Atomics.store(words, header + slotsHeaderWords + i, slot)
  }
  const load = (i: number): number => words[header + slotsHeaderWords + i]

  header = allocateArray(initialSlots)
  mask = initialSlots - 1
  Atomics.store(words, cell.slots, header)

  return {
    indexOf,
    insert(entry) {
      // Empty slots end a probe: keep at least three eighths of them.
      if ((live + tombstones + 1) * 8 > (mask + 1) * 5) rebuild()
      const hash = words[entry >> 2]
      let i = hash & mask
      while (load(i) !== EMPTY && load(i) !== TOMBSTONE) i = (i + 1) & mask
      if (load(i) === TOMBSTONE) tombstones--
      live++
      store(i, slotOf(hash, entry))
    },
    replace(old, entry) {
      store(indexOf(old), slotOf(words[entry >> 2], entry))
    },
    remove(entry) {
      let i = indexOf(entry)
      live--
      // A probe that reaches this slot would stop at the empty one behind it: neither it nor preceding tombstones are needed.
      if (load((i + 1) & mask) !== EMPTY) {
        tombstones++
        store(i, TOMBSTONE)
        return
      }
      store(i, EMPTY)
      for (i = (i - 1) & mask; load(i) === TOMBSTONE; i = (i - 1) & mask) {
        tombstones--
        store(i, EMPTY)
      }
    },
    sweep(from, visit) {
      for (let i = from; i <= mask; i++) {
        const slot = load(i)
        if (slot === EMPTY || slot === TOMBSTONE) continue
        if (!visit(entryOf(slot))) return i + 1
      }
      return -1
    },
    generation: () => generation,
    entries: () => live,
    size: () => mask + 1,
  }
}
