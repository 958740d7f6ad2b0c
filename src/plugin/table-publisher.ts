/**
 * Publishes a plugin's answers into the spaces of the answer table: one state after the other, in slices. While a state
 * is being published the next one waits, and only the newest of those that wait is published.
 */
import type { Clock } from '../scheduling/clock.ts'
import { createCooperativeScheduler } from '../scheduling/cooperative-scheduler.ts'
import type { NodeSpec, ZoneSpec } from '../table/spec.ts'
import type { Logger } from '../telemetry/log.ts'
import type { TableSink, ZoneWithoutSoa } from './capabilities/compiled-source.ts'
import { type TableTarget, toEach } from './table-targets.ts'

/** What the table is to hold. It must not change while it is being published. */
export interface TableContents {
  /** Prepares the next piece; false when everything below is complete. Absent: it always is. */
  prepare?(): boolean
  readonly zones: Iterable<ZoneSpec | ZoneWithoutSoa>
  names(): Iterable<string>
  has(name: string): boolean
  node(name: string): NodeSpec
  /** Whether the name has the same node in `earlier`, which has the name. */
  isSame(name: string, earlier: TableContents): boolean
}

export interface TablePublisher {
  attach(sink: TableSink): { detach(): void; readonly settled: Promise<void> }
  update(contents: TableContents): void
  /** Resolves when the table holds what `update` has been called with last, or the publisher has stopped. */
  published(): Promise<void>
  stop(): void
}

interface Target extends TableTarget {
  /** Nothing has been published to it yet. */
  isNew: boolean
}

/** What is left of a round: pieces to prepare, nodes to publish, names to remove. */
type Work =
  | { readonly phase: 'prepare' }
  | { readonly phase: 'put'; readonly names: Iterator<string> }
  | { readonly phase: 'remove'; readonly names: Iterator<string> }

const nothing: TableContents = {
  zones: [],
  names: () => [],
  has: () => false,
  node: () => {
    throw new Error('nothing is published')
  },
  isSame: () => false,
}

export function createTablePublisher({ clock, log }: { readonly clock: Clock; readonly log: Logger }): TablePublisher {
  const targets = new Set<Target>()
  const toTargets = (call: (target: Target) => void): void => toEach(targets, call, log.error)
  /** What the table is to hold, what it held before, and what comes after this round. */
  let wanted = nothing
  let earlier = nothing
  let next: TableContents | undefined
  let work: Work | undefined
  let waiting: (() => void)[] = []
  const task = createCooperativeScheduler(clock).task(() => {
    work = work && step(work)
    return work !== undefined
  })

  function begin(contents: TableContents): void {
    earlier = wanted
    wanted = contents
    work = { phase: 'prepare' }
    task.wake()
  }

  function step(now: Work): Work | undefined {
    if (now.phase === 'prepare') return wanted.prepare?.() ? now : putAll()
    const { done, value } = now.names.next()
    if (now.phase === 'put') {
      if (done) return { phase: 'remove', names: earlier.names()[Symbol.iterator]() }
      put(value)
      return now
    }
    if (done) return finish()
    if (!wanted.has(value)) toTargets(({ sink }) => sink.remove(value))
    return now
  }

  function putAll(): Work {
    declareZones()
    return { phase: 'put', names: wanted.names()[Symbol.iterator]() }
  }

  /** A target denies no name before it has them all. */
  function declareZones(): void {
    toTargets(({ sink, isNew }) => {
      for (const zone of wanted.zones) sink.zone(zone.soa && isNew ? { ...zone, open: true } : zone)
    })
  }

  function put(name: string): void {
    const isSame = earlier.has(name) && wanted.isSame(name, earlier)
    if (isSame && ![...targets].some(({ isNew }) => isNew)) return
    const node = wanted.node(name)
    toTargets((target) => {
      if (!isSame || target.isNew) putOrLeave(target, name, node)
    })
  }

  /** The handler gives answers that the table cannot hold, because they exceed a message. */
  function putOrLeave({ sink }: Target, name: string, node: NodeSpec): void {
    try {
      sink.put(name, node)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      sink.put(name, { zone: node.zone, below: 'open', otherTypes: 'chain', answers: new Map() })
      log.warning(`${name} is answered by the plugin chain, not the answer table: ${error.message}`)
    }
  }

  function finish(): undefined {
    for (const target of targets) target.isNew = false
    declareZones()
    earlier = nothing
    for (const { settled } of targets) settled.resolve()
    if (next) {
      const contents = next
      next = undefined
      begin(contents)
      return
    }
    for (const resolve of waiting) resolve()
    waiting = []
  }

  return {
    attach(sink) {
      const target: Target = { sink, settled: Promise.withResolvers(), isNew: true }
      targets.add(target)
      if (work?.phase !== 'prepare') work = putAll()
      task.wake()
      return {
        detach() {
          targets.delete(target)
          target.settled.resolve()
        },
        settled: target.settled.promise,
      }
    },
    update(contents) {
      if (work === undefined) begin(contents)
      else if (work.phase === 'prepare') wanted = contents
      else next = contents
    },
    async published() {
      if (work !== undefined) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    stop() {
      task.stop()
      work = undefined
      for (const resolve of waiting) resolve()
      waiting = []
    },
  }
}
