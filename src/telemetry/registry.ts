import { type Clock, systemClock } from '../scheduling/clock.ts'
import { createCooperativeScheduler } from '../scheduling/cooperative-scheduler.ts'
import { Counter, Gauge, Histogram, type WritableCell } from './cells.ts'
import type { Family, FamilyFacts, MetricsRegistry, Sample } from './metrics.ts'

/** Cells written between two checks of the clock. */
const cellsPerLook = 32

/** A family with its cells by label text. */
interface Registered {
  readonly facts: FamilyFacts
  readonly bounds: readonly number[]
  readonly family: Family<WritableCell>
  readonly cells: ReadonlyMap<string, WritableCell>
  /** Label values of each cell, in the order of the label names. */
  readonly values: ReadonlyMap<WritableCell, readonly string[]>
}

/** The process's registry: created once in main, passed to every configuration. */
export function createMetrics(clock: Clock = systemClock): MetricsRegistry {
  const scheduler = createCooperativeScheduler(clock)
  const registered = new Map<string, Registered>()
  const collectors = new Set<() => void>()
  const texts = new Set<() => Promise<string>>()

  function register<Cell extends WritableCell>(
    facts: FamilyFacts,
    bounds: readonly number[],
    make: () => Cell,
  ): Family<Cell> {
    const present = registered.get(facts.name)
    if (present) {
      const same =
        present.facts.type === facts.type && equal(present.facts.labels, facts.labels) && equal(present.bounds, bounds)
      if (!same) throw new Error(`metric ${facts.name} is registered already, with another type, labels or buckets`)
      // Equal type and labels: created by the same `make`, so its cells have this type.
      return present.family as Family<Cell>
    }
    checkNames(facts)
    const { family, cells, values } = createFamily(facts, make)
    registered.set(facts.name, { facts, bounds, family, cells, values })
    return family
  }

  async function* pieces(): AsyncIterable<string> {
    for (const collect of collectors) collect()
    let text = ''
    let cellsUntilLook = cellsPerLook
    scheduler.begin()
    for (const { facts, cells } of inOrder(registered)) {
      if (cells.size === 0) continue
      text += `# HELP ${facts.name} ${escapeHelp(facts.help)}\n# TYPE ${facts.name} ${facts.type}\n`
      for (const [labels, cell] of cells) {
        text += cell.lines(facts.name, labels)
        if (--cellsUntilLook > 0) continue
        cellsUntilLook = cellsPerLook
        if (!scheduler.due) continue
        yield text
        text = ''
        await scheduler.rest()
      }
    }
    yield text
    for (const foreign of texts) yield await foreign()
  }

  /** The family's cells of this class; none if it has another type. */
  function samples<Cell extends WritableCell>(name: string, cellClass: new (...args: never[]) => Cell): Sample<Cell>[] {
    const { facts, values } = registered.get(name) ?? {}
    return [...(values ?? [])].flatMap(([totals, own]) =>
      totals instanceof cellClass
        ? [{ labels: Object.fromEntries(facts!.labels.map((label, index) => [label, own[index]!])), totals }]
        : [],
    )
  }

  return {
    counter: (name, help, labels) => register({ name, type: 'counter', help, labels }, [], () => new Counter()),
    gauge: (name, help, labels) => register({ name, type: 'gauge', help, labels }, [], () => new Gauge()),
    histogram(name, help, labels, buckets) {
      return register({ name, type: 'histogram', help, labels }, buckets, () => new Histogram(buckets))
    },
    onCollect: (collect) => adding(collectors, collect),
    addText: (text) => adding(texts, text),
    pieces,
    async text() {
      let whole = ''
      for await (const piece of pieces()) whole += piece
      return whole
    },
    families: () => inOrder(registered).map(({ facts }) => facts),
    histograms: (name) => samples(name, Histogram),
    counters: (name) => samples(name, Counter),
  }
}

function createFamily<Cell extends WritableCell>(
  { name, labels }: FamilyFacts,
  make: () => Cell,
): { family: Family<Cell>; cells: ReadonlyMap<string, Cell>; values: ReadonlyMap<Cell, readonly string[]> } {
  const cells = new Map<string, Cell>()
  const labelValues = new Map<Cell, readonly string[]>()
  // Like Go's client: label names in alphabetical order.
  const order = labels.map((label, index) => ({ label, index })).sort((a, b) => (a.label < b.label ? -1 : 1))

  function key(values: readonly string[]): string {
    if (values.length !== labels.length)
      throw new Error(`metric ${name} has labels (${labels.join(', ')}), not ${values.length} values`)
    return order.map(({ label, index }) => `${label}="${escapeLabel(values[index]!)}"`).join(',')
  }

  const family: Family<Cell> = {
    with(...values) {
      const at = key(values)
      let cell = cells.get(at)
      if (!cell) {
        cell = make()
        cells.set(at, cell)
        labelValues.set(cell, values)
      }
      return cell
    },
    forget(...values) {
      const at = key(values)
      const cell = cells.get(at)
      if (cell) labelValues.delete(cell)
      cells.delete(at)
    },
  }
  return { family, cells, values: labelValues }
}

function inOrder(registered: ReadonlyMap<string, Registered>): Registered[] {
  return [...registered.values()].sort((a, b) => (a.facts.name < b.facts.name ? -1 : 1))
}

function adding<Item>(set: Set<Item>, item: Item): { remove(): void } {
  set.add(item)
  return { remove: () => void set.delete(item) }
}

function equal(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index])
}

function checkNames({ name, labels }: FamilyFacts): void {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) throw new Error(`'${name}' is not a valid metric name`)
  for (const label of labels)
    if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(label))
      throw new Error(`'${label}' is not a valid label name of ${name}`)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(value: string): string {
  return /[\\\n"]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"') : value
}
