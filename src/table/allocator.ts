/**
 * Allocates blocks of octets in one memory and reuses them by size. Small blocks (≤ 8 KiB) are cut from spans of pages that
 * each hold one size; larger ones are runs of pages. An empty span or a freed run is merged with its free neighbours, so
 * memory that one size no longer needs serves every other. Bookkeeping other than the free lists is outside the shared
 * memory.
 */
import { blockUnit } from './layout.ts'

export interface Allocator {
  /** The offset of a block of at least `octets`, its content undefined. Throws TableFull. */
  allocate(octets: number): number
  free(offset: number): void
  sizeOf(offset: number): number
  liveBytes(): number
  /** High-water mark of the memory that was ever handed out, from its start. */
  committedBytes(): number
}

export class TableFull extends Error {
  constructor(octets: number, capacity: number) {
    super(
      `the answer table is full: ${octets} octets do not fit into the ${Math.round(capacity / 2 ** 20)} MiB reserved ` +
        `for it; reserve more (createTable({ reserveBytes })) or serve fewer names`,
    )
    this.name = 'TableFull'
  }
}

const pageBytes = 4096
const maxSmall = 8192
/** Kind of a page run: a small class number, or one of these. */
const FREE = -1
const LARGE = 127
/** Free runs of this many pages or more share a list. */
const longRun = 64

/** 16 to 128 in steps of 16, then four sizes per doubling: at most a fifth of a block is unused. */
const classBytes: readonly number[] = makeClasses()

function makeClasses(): number[] {
  const sizes: number[] = []
  for (let size = blockUnit; size <= 128; size += blockUnit) sizes.push(size)
  for (let base = 128; base < maxSmall; base *= 2) for (let i = 1; i <= 4; i++) sizes.push(base + (base / 4) * i)
  return sizes
}

function classOf(octets: number): number {
  if (octets <= 128) return octets <= blockUnit ? 0 : ((octets + 15) >> 4) - 1
  const base = 31 - Math.clz32(octets - 1)
  return 8 + (base - 7) * 4 + ((octets - 1 - (1 << base)) >> (base - 2))
}

function spanPages(size: number): number {
  if (size <= 256) return 1
  return size <= 1024 ? 4 : 8
}

/** Manages `[from, words.byteLength)`. Words 0 and 1 of a free small block: the next free block, and 0. */
export function createAllocator(words: Int32Array, from: number): Allocator {
  const capacity = words.byteLength
  const firstPage = Math.ceil(from / pageBytes)
  const pages = Math.floor(capacity / pageBytes)
  // One element per page; meaningful at a run's first page (of a free run also at its last; `owner` everywhere).
  const kind = new Int8Array(pages + 1)
  const length = new Int32Array(pages + 1)
  const owner = new Int32Array(pages + 1)
  const next = new Int32Array(pages + 1)
  const previous = new Int32Array(pages + 1)
  // Of a span: its free blocks as a list, how many, and how many blocks were ever cut from it.
  const freeHead = new Int32Array(pages + 1)
  const used = new Int32Array(pages + 1)
  const carved = new Int32Array(pages + 1)
  const freeRuns = new Int32Array(longRun + 1)
  const partialSpans = new Int32Array(classBytes.length)
  let frontier = firstPage
  let highWater = firstPage
  let live = 0

  function link(heads: Int32Array, head: number, page: number): void {
    next[page] = heads[head]
    previous[page] = 0
    if (heads[head] !== 0) previous[heads[head]] = page
    heads[head] = page
  }

  function unlink(heads: Int32Array, head: number, page: number): void {
    if (previous[page] !== 0) next[previous[page]] = next[page]
    else heads[head] = next[page]
    if (next[page] !== 0) previous[next[page]] = previous[page]
  }

  const binOf = (count: number): number => Math.min(count, longRun)

  function addFreeRun(page: number, count: number): void {
    kind[page] = FREE
    kind[page + count - 1] = FREE
    length[page] = count
    length[page + count - 1] = count
    owner[page + count - 1] = page
    link(freeRuns, binOf(count), page)
  }

  function takeRun(count: number): number {
    for (let bin = binOf(count); bin <= longRun; bin++) {
      for (let page = freeRuns[bin]; page !== 0; page = next[page]) {
        if (length[page] < count) continue
        unlink(freeRuns, bin, page)
        if (length[page] > count) addFreeRun(page + count, length[page] - count)
        length[page] = count
        return page
      }
    }
    if (frontier + count > pages) throw new TableFull(count * pageBytes, capacity)
    const page = frontier
    frontier += count
    if (frontier > highWater) highWater = frontier
    length[page] = count
    return page
  }

  function giveRun(page: number, count: number): void {
    let first = page
    let total = count
    const after = page + count
    if (after < frontier && kind[after] === FREE) {
      unlink(freeRuns, binOf(length[after]), after)
      total += length[after]
    }
    if (first > firstPage && kind[first - 1] === FREE) {
      first = owner[first - 1]
      unlink(freeRuns, binOf(length[first]), first)
      total += length[first]
    }
    if (first + total === frontier) frontier = first
    else addFreeRun(first, total)
  }

  function newSpan(sizeClass: number): number {
    const count = spanPages(classBytes[sizeClass])
    const page = takeRun(count)
    for (let i = 0; i < count; i++) {
      kind[page + i] = sizeClass
      owner[page + i] = page
    }
    freeHead[page] = 0
    used[page] = 0
    carved[page] = 0
    link(partialSpans, sizeClass, page)
    return page
  }

  function blocksPer(page: number): number {
    return Math.floor((length[page] * pageBytes) / classBytes[kind[page]])
  }

  function allocateSmall(sizeClass: number): number {
    const page = partialSpans[sizeClass] || newSpan(sizeClass)
    let offset = freeHead[page]
    if (offset !== 0) freeHead[page] = words[offset >> 2]
    else offset = page * pageBytes + carved[page]++ * classBytes[sizeClass]
    if (++used[page] === blocksPer(page)) unlink(partialSpans, sizeClass, page)
    return offset
  }

  function freeSmall(offset: number, page: number): void {
    const sizeClass = kind[page]
    words[offset >> 2] = freeHead[page]
    words[(offset >> 2) + 1] = 0
    freeHead[page] = offset
    if (used[page]-- === blocksPer(page)) link(partialSpans, sizeClass, page)
    if (used[page] > 0) return
    unlink(partialSpans, sizeClass, page)
    giveRun(page, length[page])
  }

  function sizeOf(offset: number): number {
    const page = Math.floor(offset / pageBytes)
    return kind[page] === LARGE ? length[page] * pageBytes : classBytes[kind[page]]
  }

  return {
    allocate(octets) {
      let offset: number
      if (octets <= maxSmall) offset = allocateSmall(classOf(octets))
      else {
        const count = Math.ceil(octets / pageBytes)
        const page = takeRun(count)
        kind[page] = LARGE
        kind[page + count - 1] = LARGE
        offset = page * pageBytes
      }
      live += sizeOf(offset)
      return offset
    },
    free(offset) {
      live -= sizeOf(offset)
      const page = Math.floor(offset / pageBytes)
      if (kind[page] !== LARGE) return freeSmall(offset, owner[page])
      words[(offset >> 2) + 1] = 0
      giveRun(page, length[page])
    },
    sizeOf,
    liveBytes: () => live,
    committedBytes: () => highWater * pageBytes,
  }
}
