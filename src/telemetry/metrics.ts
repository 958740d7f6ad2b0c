/**
 * The process's metrics, including CoreDNS's names. Counting changes a plain number in a cell (no label hashing per query): a
 * caller binds its labels once and keeps the cell. Registering a name again with the same labels returns the same family, so
 * that counting continues across reloads. Text is made at scrape time.
 */
export interface MetricsRegistry {
  counter(name: string, help: string, labels: readonly string[]): Family<CounterCell>
  gauge(name: string, help: string, labels: readonly string[]): Family<GaugeCell>
  /** `buckets`: upper bounds in ascending order, without +Inf. */
  histogram(name: string, help: string, labels: readonly string[], buckets: readonly number[]): Family<HistogramCell>
  /** Called at each scrape, before the text is made, to fill gauges that are derived from something else. */
  onCollect(collect: () => void): { remove(): void }
  /** Appends the text of families kept by another library (prom-client). Names must not overlap. */
  addText(text: () => Promise<string>): { remove(): void }
  /** Prometheus text format 0.0.4 in pieces of whole lines. Other work gets its turn between pieces. */
  pieces(): AsyncIterable<string>
  /** The pieces joined. */
  text(): Promise<string>
  /** Name, type, help and label names of every family registered, in alphabetical order. */
  families(): readonly FamilyFacts[]
  /** The cells of a histogram or counter, for metrics derived from them; [] if the name is not registered. */
  histograms(name: string): readonly Sample<HistogramTotals>[]
  counters(name: string): readonly Sample<{ readonly value: number }>[]
}

export interface Sample<Totals> {
  readonly labels: Readonly<Record<string, string>>
  readonly totals: Totals
}

export interface HistogramTotals {
  /** One count per bucket, not cumulative; the last one is +Inf. */
  readonly counts: readonly number[]
  readonly sum: number
}

export interface Family<Cell> {
  /** The cell for these label values (in the order of the label names). Created on first use. */
  with(...values: string[]): Cell
  /** Removes the cell of these label values. */
  forget(...values: string[]): void
}

export interface CounterCell {
  inc(by?: number): void
  readonly value: number
}

export interface GaugeCell {
  set(value: number): void
  inc(by?: number): void
  dec(by?: number): void
  readonly value: number
}

export interface HistogramCell {
  observe(value: number): void
  /** Adds observations counted elsewhere: one count per bucket (not cumulative), the last one is +Inf. */
  add(counts: ArrayLike<number>, sum: number): void
}

export interface FamilyFacts {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}
