/**
 * The order of SRV records as RFC 2782 has clients draw it: of the records left of the least priority, each comes next
 * with the probability of its weight. Records of one priority and weight are a run (FORMAT.md), so that drawing one
 * of thousands looks at a few runs only; within its run each record is as likely, by the sampler's shuffle.
 */
import { maxRuns, services } from '../table/layout.ts'
import type { TableView } from '../table/reader.ts'
import { below, type Sampler } from './sample.ts'

/** A draw under way. One per responder, used again for every reply. */
export interface WeightedOrder {
  /** By run: how many of its records have been drawn. */
  readonly taken: Int32Array
  /** Offset of the records, index of the word with the first run's end. */
  list: number
  ends: number
  runs: number
  /** The runs [from, to) have the priority in hand; what is left of them. */
  from: number
  to: number
  records: number
  weight: number
}

export function createWeightedOrder(): WeightedOrder {
  return { taken: new Int32Array(maxRuns), list: 0, ends: 0, runs: 0, from: 0, to: 0, records: 0, weight: 0 }
}

/** `list`: offset of the body's records; `endsAt`: of its runs. */
export function beginOrder(order: WeightedOrder, list: number, endsAt: number, runs: number): void {
  order.list = list
  order.ends = endsAt >> 2
  order.runs = runs
  order.to = 0
  order.records = 0
  order.weight = 0
  for (let run = 0; run < runs; run++) order.taken[run] = 0
}

/** The number of the record that comes next. Must not be called more often than there are records. */
export function nextByWeight(order: WeightedOrder, view: TableView, sampler: Sampler): number {
  const { taken } = order
  if (order.records === 0) nextPriority(order, view)
  let draw = below(sampler, order.weight)
  let run = order.from
  let count = countOf(order, view, run)
  let weight = weightOf(order, view, run)
  // Where all that is left weighs nothing, the first run that has a record is taken (RFC 2782: any order will do).
  while (order.weight > 0 ? draw >= count * weight : count === 0) {
    draw -= count * weight
    run++
    count = countOf(order, view, run)
    weight = weightOf(order, view, run)
  }
  order.records--
  order.weight -= weight
  const position = startOf(order, view, run) + taken[run]++
  const other = position + below(sampler, count)
  const { index, swapped } = sampler
  const drawn = index[other]
  index[other] = index[position]
  index[position] = drawn
  swapped[position] = other
  return drawn
}

/** Puts the sampler's index back. */
export function endOrder(order: WeightedOrder, view: TableView, { index, swapped }: Sampler): void {
  for (let run = 0; run < order.runs; run++) {
    const start = startOf(order, view, run)
    for (let position = start; position < start + order.taken[run]; position++) {
      index[swapped[position]] = swapped[position]
      index[position] = position
    }
  }
}

function nextPriority(order: WeightedOrder, view: TableView): void {
  order.from = order.to
  const priority = priorityOf(order, view, order.from)
  while (order.to < order.runs && priorityOf(order, view, order.to) === priority) {
    const count = countOf(order, view, order.to)
    order.records += count
    order.weight += count * weightOf(order, view, order.to)
    order.to++
  }
}

const startOf = ({ ends }: WeightedOrder, { words }: TableView, run: number): number =>
  run === 0 ? 0 : words[ends + run - 1]

/** Records of the run that have not been drawn. */
const countOf = (order: WeightedOrder, view: TableView, run: number): number =>
  view.words[order.ends + run] - startOf(order, view, run) - order.taken[run]

function priorityOf(order: WeightedOrder, view: TableView, run: number): number {
  const at = order.list + startOf(order, view, run) * services.recordBytes
  return (view.bytes[at] << 8) | view.bytes[at + 1]
}

function weightOf(order: WeightedOrder, view: TableView, run: number): number {
  const at = order.list + startOf(order, view, run) * services.recordBytes
  return (view.bytes[at + 2] << 8) | view.bytes[at + 3]
}
