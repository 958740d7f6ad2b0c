/**
 * The cells in which callers count: plain numbers. They are classes instead of closures, because there are thousands of them
 * and every query uses some.
 */
import type { CounterCell, GaugeCell, HistogramCell, HistogramTotals } from './metrics.ts'

/** A cell that can write itself as lines of the text format. `labels` is `a="1",b="2"` or ''. */
export interface WritableCell {
  lines(name: string, labels: string): string
}

/** Only grows: negative and invalid amounts are ignored. */
export class Counter implements CounterCell, WritableCell {
  value = 0

  inc(by = 1): void {
    if (by > 0) this.value += by
  }

  lines(name: string, labels: string): string {
    return `${name}${braces(labels)} ${this.value}\n`
  }
}

export class Gauge implements GaugeCell, WritableCell {
  value = 0

  set(value: number): void {
    this.value = value
  }

  inc(by = 1): void {
    this.value += by
  }

  dec(by = 1): void {
    this.value -= by
  }

  lines(name: string, labels: string): string {
    return `${name}${braces(labels)} ${numberText(this.value)}\n`
  }
}

export class Histogram implements HistogramCell, HistogramTotals, WritableCell {
  readonly #bounds: readonly number[]
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    if (Number.isNaN(value)) return
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.counts[bucket]!++
    this.sum += value
  }

  add(counts: ArrayLike<number>, sum: number): void {
    if (counts.length !== this.counts.length)
      throw new Error(`a histogram of ${this.counts.length} buckets cannot take ${counts.length} counts`)
    for (let bucket = 0; bucket < counts.length; bucket++) this.counts[bucket]! += counts[bucket]!
    this.sum += sum
  }

  lines(name: string, labels: string): string {
    const before = labels === '' ? '' : `${labels},`
    let text = ''
    let count = 0
    this.counts.forEach((inBucket, bucket) => {
      count += inBucket
      text += `${name}_bucket{${before}le="${this.#bounds[bucket] ?? '+Inf'}"} ${count}\n`
    })
    return `${text}${name}_sum${braces(labels)} ${numberText(this.sum)}\n${name}_count${braces(labels)} ${count}\n`
  }
}

function braces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}
