/**
 * Tells people of annotations that are ignored: a line of the log and a count for each that is new, how many objects have
 * one now, and Events on the objects where the Corefile asks for them. All `kubernetes` of one cluster share a report.
 */
import { createHash } from 'node:crypto'
import type { Problem } from '../../../cluster-dns/annotations/parsed.ts'
import type { ObjectProblem } from '../../../cluster-dns/annotations/problems.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import type { Logger } from '../../../telemetry/log.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import { oneLine, quoted } from '../../../telemetry/quoted.ts'

export interface AnnotationReport {
  /** What an instance of the plugin finds wrong with a service and its slices, or with a namespace, now. */
  found(instance: symbol, owner: string, problems: readonly ObjectProblem[]): void
  /** The instance has ended: what it found does not count any more. */
  leave(instance: symbol): void
  stop(): void
}

/** Where Events go. */
export interface ProblemEvents {
  /** `id` stands for the problem: equal for equal ones. */
  add(id: string, problem: ObjectProblem): void
  remove(id: string): void
  stop(): void
}

export interface ReportDeps {
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
  readonly events: ProblemEvents | undefined
}

/** Problems that were told are remembered up to this many; then the oldest may be told again. */
const remembered = 10_000
/** Lines a minute. Whoever writes annotations decides how many there are to say. */
const linesPerMinute = 60
const minute = 60_000

export function createAnnotationReport({ log, metrics, clock, events }: ReportDeps): AnnotationReport {
  const counter = metrics.counter(
    'slicedns_annotation_problems_total',
    'Annotations that are ignored, each counted once for each value, by reason.',
    ['reason'],
  )
  const gauge = metrics.gauge(
    'slicedns_annotation_problem_objects',
    'Services, namespaces and EndpointSlices with an annotation that is ignored.',
    [],
  )
  const write = limitedPerMinute(log, clock)
  const told = new Set<string>()
  /** By instance and owner: problems by what identifies them. */
  const current = new Map<symbol, Map<string, ReadonlyMap<string, ObjectProblem>>>()
  const holders = new Map<string, number>()

  const collecting = metrics.onCollect(() => gauge.with().set(countObjects(current)))

  function tell(id: string, found: ObjectProblem): void {
    if (told.has(id)) return
    told.add(id)
    if (told.size > remembered) told.delete(told.values().next().value!)
    counter.with(found.problem.reason).inc()
    write(`${objectOf(found)}: ${problemText(found)}`)
  }

  /** Instances that see one cluster differently find the same problem. */
  function hold(id: string, problem: ObjectProblem): void {
    holders.set(id, (holders.get(id) ?? 0) + 1)
    tell(id, problem)
    if (holders.get(id) === 1) events?.add(id, problem)
  }

  function release(id: string): void {
    const left = holders.get(id)! - 1
    if (left > 0) holders.set(id, left)
    else {
      holders.delete(id)
      events?.remove(id)
    }
  }

  function replace(instance: symbol, owner: string, now: ReadonlyMap<string, ObjectProblem>): void {
    const owners = current.get(instance) ?? new Map<string, ReadonlyMap<string, ObjectProblem>>()
    current.set(instance, owners)
    const before = owners.get(owner)
    if (now.size > 0) owners.set(owner, now)
    else owners.delete(owner)
    for (const [id, problem] of now) if (!before?.has(id)) hold(id, problem)
    for (const id of before?.keys() ?? []) if (!now.has(id)) release(id)
  }

  return {
    found(instance, owner, problems) {
      if (problems.length === 0 && !current.get(instance)?.has(owner)) return
      replace(instance, owner, new Map(problems.map((problem) => [identify(problem), problem])))
    },
    leave(instance) {
      for (const owner of [...(current.get(instance)?.keys() ?? [])]) replace(instance, owner, new Map())
      current.delete(instance)
    },
    stop() {
      collecting.remove()
      gauge.with().set(0)
      events?.stop()
    },
  }
}

/** `Service shop/web`. */
export const objectOf = ({ kind, namespace, name }: ObjectProblem): string =>
  `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`

/** `annotation slicedns.io/ttl "soon" is ignored: it must be …`, on one line whatever the annotation holds. */
export function problemText({ problem, value }: ObjectProblem): string {
  const verdict = problem.reason === 'advice' ? '' : ' is ignored'
  return `annotation ${oneLine(problem.key)} ${quoted(value)}${verdict}: ${oneLine(problem.rule)}`
}

function countObjects(current: ReadonlyMap<symbol, ReadonlyMap<string, ReadonlyMap<string, ObjectProblem>>>): number {
  const objects = new Set<string>()
  for (const owners of current.values()) {
    for (const problems of owners.values()) for (const problem of problems.values()) objects.add(objectOf(problem))
  }
  return objects.size
}

/** Of problems whose object has not changed: a value may have 256 KiB. */
const identities = new WeakMap<Problem, { readonly object: string; readonly value: string; readonly id: string }>()

/** Equal for the same object, key, value and rule, in every replica. */
function identify(found: ObjectProblem): string {
  const { problem, value } = found
  const object = objectOf(found)
  const known = identities.get(problem)
  if (known?.object === object && known.value === value) return known.id
  const hash = createHash('sha256')
  for (const part of [object, problem.key, value, problem.rule]) hash.update(`${part.length}:`).update(part)
  const id = hash.digest('hex').slice(0, 24)
  identities.set(problem, { object, value, id })
  return id
}

/** Of more lines only the number is said, a minute later or with the next line after it. */
function limitedPerMinute(log: Logger, clock: Clock): (line: string) => void {
  let since = Number.NEGATIVE_INFINITY
  let written = 0
  let left = 0
  return (line) => {
    if (clock.now() - since >= minute) {
      if (left > 0) log.warning(`${left} more annotations were ignored: see slicedns_annotation_problems_total`)
      since = clock.now()
      written = 0
      left = 0
    }
    if (written < linesPerMinute) {
      written++
      log.warning(line)
    } else {
      left++
    }
  }
}
