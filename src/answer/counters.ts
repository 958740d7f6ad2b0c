/**
 * The data plane's counters, in memory that all threads share: a row of 64-bit floats for each (reader slot, profile,
 * proto), created when first needed and never removed, so that a thread that dies loses nothing. Only the thread that
 * holds the slot writes its rows. Labels exist only when the rows are collected.
 *
 * Memory: word 0 is the number of rows. Row i begins at 64 + i × rowBytes: words slot + 1 (written last, with Atomics) and
 * profile × 2 + proto, eight octets unused, then the cells.
 */
import { rcodeName, type } from '../dns/codes.ts'
import type { AnswerProfile, TableHandle } from '../table/api.ts'
import { maxProfiles, maxReaders } from '../table/layout.ts'
import { durationBuckets, labelledTypes, otherType, sizeBuckets } from '../telemetry/query-buckets.ts'
import { type DataPlaneSample, type HistogramSample, type TransportCode, transportCode } from './api.ts'
import { missLabels } from './misses.ts'
import type { QueryState } from './query-state.ts'

/** Label 0 stands for all types that are not listed. */
const typeLabels = [otherType, ...labelledTypes] as const

const labelOfType = new Uint8Array(256)
for (const [i, label] of labelledTypes.entries()) labelOfType[type[label]] = i + 1

/** Upper bounds; behind the last one is +Inf. An array of doubles: it is searched for every query. */
const durationBounds = Float64Array.from(durationBuckets)

/** Bucket of each size. Filled one bucket at a time: every thread does this at its start. */
const sizeBucket = new Uint8Array(0x10000).fill(sizeBuckets.length)
for (const [bucket, bound] of sizeBuckets.entries())
  sizeBucket.fill(bucket, (sizeBuckets[bucket - 1] ?? -1) + 1, bound + 1)

const rcodes = 16
const sizeCells = sizeBuckets.length + 1
const durationCells = durationBounds.length + 1

/** Cells of a row. Each histogram is its buckets, then the sum. */
const requests = 0
const responses = requests + 2 * typeLabels.length
const doRequests = responses + rcodes
const cacheHits = doRequests + 1
const requestSize = cacheHits + 2
const responseSize = requestSize + sizeCells + 1
const duration = responseSize + sizeCells + 1
const rowCells = duration + durationCells + 1
/** Row of profile 0: misses by reason. */
const misses = 0

const firstRow = 64
const rowHeader = 16
const rowBytes = rowHeader + rowCells * 8

/** The slot of all responders of the writer's own thread. */
export const LOCAL_ROWS = maxReaders

export interface Counters {
  count(x: QueryState, by: TransportCode, family: 1 | 2, seconds: number): void
  miss(reason: number): void
}

export function createCounters(handle: TableHandle, slot: number): Counters {
  const words = new Int32Array(handle.counters)
  const cells = new Float64Array(handle.counters)
  const capacity = Math.floor((handle.counters.byteLength - firstRow) / rowBytes)
  /** By profile × 2 + proto: index of the row's first cell, 0 while there is no row. */
  let rows = new Int32Array(64)

  const cellsOf = (row: number): number => (firstRow + row * rowBytes + rowHeader) >> 3

  function remember(id: number, row: number): number {
    if (id >= rows.length) {
      const larger = new Int32Array(Math.min(2 * maxProfiles, Math.max(id + 1, rows.length * 2)))
      larger.set(rows)
      rows = larger
    }
    rows[id] = cellsOf(row)
    return rows[id]
  }

  /** When the memory is full the row is -1, and what belongs there is not counted. */
  function makeRow(id: number): number {
    const row = Atomics.add(words, 0, 1)
    if (row >= capacity) {
      Atomics.sub(words, 0, 1)
      return -1
    }
    const at = (firstRow + row * rowBytes) >> 2
    words[at + 1] = id
    Atomics.store(words, at, slot + 1)
    return remember(id, row)
  }

  // Rows of the slot's previous thread are continued.
  for (let row = Math.min(Atomics.load(words, 0), capacity) - 1; row >= 0; row--) {
    const at = (firstRow + row * rowBytes) >> 2
    if (Atomics.load(words, at) === slot + 1) remember(words[at + 1], row)
  }

  return {
    count(x, by, family, seconds) {
      const id = x.profileId * 2 + (by === transportCode.stream ? 1 : 0)
      const row = id < rows.length && rows[id] !== 0 ? rows[id] : makeRow(id)
      if (row < 0) return
      const label = x.type < 256 ? labelOfType[x.type] : 0
      cells[row + requests + (family === 2 ? typeLabels.length : 0) + label] += 1
      cells[row + responses + x.rcode] += 1
      if (x.dnssecOk) cells[row + doRequests] += 1
      if (x.cacheHit !== 0) cells[row + cacheHits + x.cacheHit - 1] += 1
      const asked = x.end - x.start
      cells[row + requestSize + sizeBucket[asked]] += 1
      cells[row + requestSize + sizeCells] += asked
      const replyOctets = x.replyOctets
      cells[row + responseSize + (replyOctets < 0x10000 ? sizeBucket[replyOctets] : sizeCells - 1)] += 1
      cells[row + responseSize + sizeCells] += replyOctets
      let bucket = 0
      while (bucket < durationBounds.length && seconds > durationBounds[bucket]) bucket++
      cells[row + duration + bucket] += 1
      cells[row + duration + durationCells] += seconds
    },
    miss(reason) {
      const row = rows[0] !== 0 ? rows[0] : makeRow(0)
      if (row >= 0) cells[row + misses + reason] += 1
    },
  }
}

/** The part of the table's writer that `collect` needs. */
export interface CountedTable {
  readonly handle: TableHandle
  profileOf(number: number): AnswerProfile
}

/** Sums over all readers, living and dead: one sample for each profile and proto with any count. */
export function* collect(table: CountedTable): Iterable<DataPlaneSample> {
  const sums = new Map<number, Float64Array>()
  for (const { id, cells } of rowsOf(table.handle)) {
    if (id < 2) continue
    const sum = sums.get(id) ?? new Float64Array(rowCells)
    for (let i = 0; i < rowCells; i++) sum[i] += cells[i]
    sums.set(id, sum)
  }
  for (const [id, cells] of sums) yield sampleOf(table.profileOf(id >> 1), id & 1 ? 'tcp' : 'udp', cells)
}

/** Misses of all readers by reason (missLabels), for `slicedns_table_misses_total`. */
export function collectMisses(handle: TableHandle): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { id, cells } of rowsOf(handle)) {
    if (id !== 0) continue
    for (const [i, label] of missLabels.entries()) {
      if (cells[misses + i] > 0) sums.set(label, (sums.get(label) ?? 0) + cells[misses + i])
    }
  }
  return sums
}

function* rowsOf({ counters }: TableHandle): Iterable<{ id: number; cells: Float64Array }> {
  const words = new Int32Array(counters)
  const capacity = Math.floor((counters.byteLength - firstRow) / rowBytes)
  for (let row = 0; row < Math.min(Atomics.load(words, 0), capacity); row++) {
    const at = firstRow + row * rowBytes
    // A row that is still being created has no owner yet.
    if (Atomics.load(words, at >> 2) === 0) continue
    yield { id: words[(at >> 2) + 1], cells: new Float64Array(counters, at + rowHeader, rowCells) }
  }
}

function sampleOf(spec: AnswerProfile, proto: 'udp' | 'tcp', cells: Float64Array): DataPlaneSample {
  const { server, zone, view, plugin } = spec
  const requestCounts = new Map<string, number>()
  for (const family of [1, 2]) {
    for (const [i, label] of typeLabels.entries()) {
      const count = cells[requests + (family - 1) * typeLabels.length + i]
      if (count > 0) requestCounts.set(`${family}${label}`, count)
    }
  }
  const responseCounts = new Map<string, number>()
  for (let code = 0; code < rcodes; code++) {
    if (cells[responses + code] > 0) responseCounts.set(rcodeName(code), cells[responses + code])
  }
  return {
    server,
    zone,
    view,
    plugin,
    proto,
    requests: requestCounts,
    responses: responseCounts,
    doRequests: cells[doRequests],
    cacheHits: { success: cells[cacheHits], denial: cells[cacheHits + 1] },
    requestSize: histogram(cells, requestSize, sizeCells),
    responseSize: histogram(cells, responseSize, sizeCells),
    duration: histogram(cells, duration, durationCells),
  }
}

function histogram(cells: Float64Array, from: number, buckets: number): HistogramSample {
  return { counts: Array.from(cells.subarray(from, from + buckets)), sum: cells[from + buckets] }
}
