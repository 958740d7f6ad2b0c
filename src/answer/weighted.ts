/**
 * SRV records in the order in which RFC 2782 has clients select them: among the remaining records of the lowest priority,
 * each comes next with a probability proportional to its weight. Records of equal priority and weight form a run
 * (FORMAT.md), so that selecting one of thousands looks at a few runs only; within a run the sampler's shuffle selects.
 */
import { maxRuns, services } from '../table/layout.ts'
import type { TableView } from '../table/reader.ts'
import { below, type Sampler } from './sample.ts'

/** The selection in progress. One per responder, reused for every reply. */
export interface WeightedOrder {
  /** By run: its first record, its number of remaining records, and the weight of each. */
  readonly start: Int32Array
  readonly left: Int32Array
  readonly each: Int32Array
  /** Indexes of the records selected last. */
  readonly selected: Int32Array
  runs: number
  /** End of the last run's records. */
  end: number
  /** The runs [from, to) have the current priority; their remaining records and weight. */
  from: number
  to: number
  records: number
  weight: number
}

const atOnce = 16

export function createWeightedOrder(): WeightedOrder {
  const byRun = (): Int32Array => new Int32Array(maxRuns)
  const selected = new Int32Array(atOnce)
  return {
    start: byRun(),
    left: byRun(),
    each: byRun(),
    selected,
    runs: 0,
    end: 0,
    from: 0,
    to: 0,
    records: 0,
    weight: 0,
  }
}

/** `list`: offset of the body's records; `endsAt`: offset of its runs. */
export function beginOrder(
  order: WeightedOrder,
  { bytes, words }: TableView,
  list: number,
  endsAt: number,
  runs: number,
): void {
  let start = 0
  for (let run = 0; run < runs; run++) {
    const end = words[(endsAt >> 2) + run]
    const at = list + start * services.recordBytes
    order.start[run] = start
    order.left[run] = end - start
    order.each[run] = (bytes[at + 2] << 8) | bytes[at + 3]
    start = end
  }
  order.runs = runs
  order.end = start
  order.to = 0
  order.records = 0
  order.weight = 0
}

/**
 * Selects the next records, several at a time because that is cheaper, and returns how many: their indexes are in `selected`.
 * At least one record must remain.
 */
export function drawByWeight(order: WeightedOrder, { bytes }: TableView, list: number, sampler: Sampler): number {
  if (order.records === 0) nextPriority(order, bytes, list)
  const { start, left, each, selected, from, end, runs } = order
  const { index, swapped } = sampler
  const some = Math.min(order.records, atOnce)
  let { weight } = order
  for (let i = 0; i < some; i++) {
    let run = from
    let place: number
    if (weight > 0) {
      let draw = below(sampler, weight)
      let one = each[run]
      for (let whole = left[run] * one; draw >= whole; whole = left[run] * one) {
        draw -= whole
        run++
        one = each[run]
      }
      // The remainder is uniform over the run's weight, so it also selects the record within the run.
      place = Math.floor(draw / one)
      weight -= one
    } else {
      // RFC 2782: records of weight 0 come when no others are left, in any order.
      while (left[run] === 0) run++
      place = below(sampler, left[run])
    }
    const position = (run + 1 < runs ? start[run + 1] : end) - left[run]
    left[run]--
    selected[i] = index[position + place]
    index[position + place] = index[position]
    index[position] = selected[i]
    swapped[position] = position + place
  }
  order.records -= some
  order.weight = weight
  return some
}

/** Restores the sampler's index. */
export function endOrder({ start, left, runs, end }: WeightedOrder, { index, swapped }: Sampler): void {
  for (let run = 0; run < runs; run++) {
    const drawn = (run + 1 < runs ? start[run + 1] : end) - left[run]
    for (let position = start[run]; position < drawn; position++) {
      index[swapped[position]] = swapped[position]
      index[position] = position
    }
  }
}

function nextPriority(order: WeightedOrder, bytes: Uint8Array, list: number): void {
  order.from = order.to
  const priority = priorityOf(order, bytes, list, order.from)
  while (order.to < order.runs && priorityOf(order, bytes, list, order.to) === priority) {
    order.records += order.left[order.to]
    order.weight += order.left[order.to] * order.each[order.to]
    order.to++
  }
}

function priorityOf({ start }: WeightedOrder, bytes: Uint8Array, list: number, run: number): number {
  const at = list + start[run] * services.recordBytes
  return (bytes[at] << 8) | bytes[at + 1]
}
