/**
 * Reports ignored annotations: a log line and a count for each new one, the number of objects that have one now, and
 * Events on the objects where the Corefile enables them. All `kubernetes` blocks of one cluster share a report.
 */
import { createHash } from 'node:crypto'
import type { Problem } from '../../../cluster-dns/annotations/annotation.ts'
import type { ObjectProblem } from '../../../cluster-dns/annotations/problems.ts'
import type { Clock } from '../../../scheduling/clock.ts'
import type { Logger } from '../../../telemetry/log.ts'
import type { MetricsRegistry } from '../../../telemetry/metrics.ts'
import { oneLine, quoted } from '../../../telemetry/quoted.ts'

export interface AnnotationReport {
  /**
   * Replaces the problems that an instance of the plugin reported for an owner: a service with its slices, or a
   * namespace.
   */
  update(instance: symbol, owner: string, problems: readonly ObjectProblem[]): void
  /** The first of the current problems, each once, with the owner that it was reported for. */
  problems(most: number): readonly { readonly owner: string; readonly problem: ObjectProblem }[]
  /** The instance has ended: its problems no longer count. */
  leave(instance: symbol): void
  stop(): void
}

/** Writes Events. */
export interface ProblemEvents {
  /** `id` identifies the problem: equal problems have equal ids. */
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

/** Reported problems that are remembered; the oldest beyond that may be reported again. */
const maxReported = 10_000
/** Log lines per minute, because tenants decide how many annotations are invalid. */
const maxLinesPerMinute = 60
const minute = 60_000

export function createAnnotationReport({ log, metrics, clock, events }: ReportDeps): AnnotationReport {
  const counter = metrics.counter(
    'slicedns_annotation_problems_total',
    'Ignored annotations by reason, each counted once per value.',
    ['reason'],
  )
  const gauge = metrics.gauge(
    'slicedns_annotation_problem_objects',
    'Services, Namespaces and EndpointSlices with an ignored annotation.',
    [],
  )
  const write = limitedPerMinute(log, clock)
  const reported = new Set<string>()
  /** By instance and owner: problems by their ids. */
  const current = new Map<symbol, Map<string, ReadonlyMap<string, ObjectProblem>>>()
  const holders = new Map<string, number>()

  const collecting = metrics.onCollect(() => gauge.with().set(countObjects(current)))

  function reportOnce(id: string, problem: ObjectProblem): void {
    if (reported.has(id)) return
    reported.add(id)
    if (reported.size > maxReported) reported.delete(reported.values().next().value!)
    counter.with(problem.problem.reason).inc()
    write(`${objectOf(problem)}: ${problemText(problem)}`)
  }

  /** Several instances may hold the same problem. */
  function hold(id: string, problem: ObjectProblem): void {
    holders.set(id, (holders.get(id) ?? 0) + 1)
    reportOnce(id, problem)
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
    update(instance, owner, problems) {
      if (problems.length === 0 && !current.get(instance)?.has(owner)) return
      replace(instance, owner, new Map(problems.map((problem) => [identify(problem), problem])))
    },
    problems(most) {
      const found = new Map<string, { readonly owner: string; readonly problem: ObjectProblem }>()
      for (const owners of current.values())
        for (const [owner, problems] of owners)
          for (const [id, problem] of problems) {
            if (found.size >= most) return [...found.values()]
            found.set(id, { owner, problem })
          }
      return [...found.values()]
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

/** `annotation slicedns.io/ttl "soon" is ignored: must be …`, on one line whatever the annotation holds. */
export function problemText({ problem, value }: ObjectProblem): string {
  const verdict = problem.reason === 'advice' ? '' : problem.inPart ? ' is ignored in part' : ' is ignored'
  return `annotation ${oneLine(problem.key)} ${quoted(value)}${verdict}: ${oneLine(problem.rule)}`
}

function countObjects(current: ReadonlyMap<symbol, ReadonlyMap<string, ReadonlyMap<string, ObjectProblem>>>): number {
  const objects = new Set<string>()
  for (const owners of current.values()) {
    for (const problems of owners.values()) for (const problem of problems.values()) objects.add(objectOf(problem))
  }
  return objects.size
}

/** Ids of problems whose object has not changed: hashing a value may take 256 KiB. */
const ids = new WeakMap<Problem, { readonly object: string; readonly value: string; readonly id: string }>()

/** Equal for the same object, key, value and rule, in every replica. */
function identify(objectProblem: ObjectProblem): string {
  const { problem, value } = objectProblem
  const object = objectOf(objectProblem)
  const known = ids.get(problem)
  if (known?.object === object && known.value === value) return known.id
  const hash = createHash('sha256')
  for (const part of [object, problem.key, value, problem.rule]) hash.update(`${part.length}:`).update(part)
  const id = hash.digest('hex').slice(0, 24)
  ids.set(problem, { object, value, id })
  return id
}

/** Further lines are only counted; their number is logged before the next line, at least a minute later. */
function limitedPerMinute(log: Logger, clock: Clock): (line: string) => void {
  let since = Number.NEGATIVE_INFINITY
  let written = 0
  let left = 0
  return (line) => {
    if (clock.now() - since >= minute) {
      if (left > 0) log.warning(`${left} more annotations are ignored: see slicedns_annotation_problems_total`)
      since = clock.now()
      written = 0
      left = 0
    }
    if (written < maxLinesPerMinute) {
      written++
      log.warning(line)
    } else {
      left++
    }
  }
}
