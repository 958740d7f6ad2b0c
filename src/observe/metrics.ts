/**
 * The process's metrics, CoreDNS's names included. Counting is a plain number in a cell (no label hashing per query):
 * a caller binds its labels once and keeps the cell. Registering a name twice with the same labels gives the same
 * family, so that a reload goes on counting. Text is made at scrape.
 */
export interface MetricsRegistry {
  counter(name: string, help: string, labels: readonly string[]): Family<CounterCell>
  gauge(name: string, help: string, labels: readonly string[]): Family<GaugeCell>
  /** `buckets`: upper bounds in ascending order, without +Inf. */
  histogram(name: string, help: string, labels: readonly string[], buckets: readonly number[]): Family<HistogramCell>
  /** Called at each scrape, before the text is made: fills gauges that are read off something else. */
  onCollect(collect: () => void): { remove(): void }
  /** Prometheus text format 0.0.4. */
  text(): Promise<string>
}

export interface Family<Cell> {
  /** The cell of these label values (in the order of the label names). Made on first use. */
  with(...values: string[]): Cell
  /** Forgets the cell of these label values. */
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
}
