/**
 * A snapshot: the reduced model in a file, for a start while the API server is away.
 *
 *   keeper.ts ─▶ write.ts ─▶ encode.ts            after changes, and at the end
 *   warm-start.ts ─▶ read.ts ─▶ frames.ts         at a start without the API server
 *   header.ts, identity.ts, boot.ts, file.ts      what is refused, and why
 */
import type { Clock } from '../../scheduling/clock.ts'
import type { CooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'
import type { Credentials } from '../api/credentials.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { ClusterConfig, Resource, SnapshotConfig } from '../model/types.ts'
import { bootTime } from './boot.ts'
import { claimFile } from './claims.ts'
import { removeAbandoned } from './file.ts'
import { clusterIdentity, optionsIdentity } from './identity.ts'
import { keepSnapshot } from './keeper.ts'
import { createSnapshotMeter } from './metrics.ts'
import { ageText, readSnapshot } from './read.ts'
import { SnapshotRefused } from './refusal.ts'
import { createWarmStart } from './warm-start.ts'
import { writeSnapshot } from './write.ts'

export interface SnapshotDeps {
  readonly config: ClusterConfig
  readonly watched: readonly Resource[]
  readonly model: ClusterModel
  readonly credentials: Pick<Credentials, 'target'>
  readonly reducer: Reducer
  readonly scheduler: CooperativeScheduler
  /** Seconds since the API server last sent something for the resource; undefined before. */
  readonly ageOf: (resource: Resource) => number | undefined
  readonly log: Logger
  readonly metrics: MetricsRegistry
  readonly clock: Clock
}

export interface Snapshots {
  start(): void
  /** A request to the API server has failed. */
  failed(): void
  /** Seconds since what is served was confirmed, while it comes from the file. */
  age(): number | undefined
  /** Writes what has changed. Resolves when nothing of it runs any more. */
  stop(): Promise<void>
}

export function openSnapshots({ file, maxAge }: SnapshotConfig, deps: SnapshotDeps): Snapshots {
  const { model, watched, credentials, scheduler, log, clock, ageOf } = deps
  const options = optionsIdentity(deps.config)
  /** Of the snapshot that was read: its age then, and when on the clock of `now`. Milliseconds. */
  let restored: { readonly ageThen: number; readonly readAt: number } | undefined

  const age = (): number | undefined =>
    restored && model.view.restored ? (restored.ageThen + clock.now() - restored.readAt) / 1000 : undefined

  const meter = createSnapshotMeter(deps.metrics, clock, age)
  const claim = claimFile(file)

  const confirmedAt = (): number | undefined => {
    const ages = watched.flatMap((resource) => ageOf(resource) ?? [])
    return ages.length === 0 ? undefined : Math.floor(clock.wall() - Math.max(...ages) * 1000)
  }

  const keeper = keepSnapshot({
    file,
    maxAge,
    model,
    claim,
    confirmedAt,
    log,
    clock,
    meter,
    async write(time) {
      const cluster = await clusterIdentity(credentials)
      const present = bootTime()
      const boot = present && { ...present, at: Math.max(0, present.at - Math.max(0, clock.wall() - time)) }
      return writeSnapshot(file, { time, boot, cluster, options }, model, watched, scheduler)
    },
  })

  const restore = async (): Promise<void> => {
    try {
      const cluster = await clusterIdentity(credentials).catch((error: Error) => {
        throw unexpected(file, error)
      })
      const expected = { cluster, options, now: clock.wall(), boot: bootTime(), maxAge }
      const ageThen = await readSnapshot(file, expected, deps)
      if (!model.view.restored) return
      restored = { ageThen, readAt: clock.now() }
      log.warning(
        `the Kubernetes API does not answer: names of the cluster are answered from the snapshot ${file}, which is ${ageText(ageThen)} old, until it does`,
      )
      reportEnd()
    } catch (error) {
      const { reason, message } = error instanceof SnapshotRefused ? error : unexpected(file, error as Error)
      meter.refused(reason)
      // That is how a first start finds it.
      const write = reason === 'missing' ? log.info : log.warning
      write(`there is no snapshot to start from: ${message}`)
    }
  }

  const reportEnd = (): void => {
    const following = model.subscribe('observers', {
      sync() {
        if (model.view.restored) return
        following.unsubscribe()
        log.info('the Kubernetes API has been read: the snapshot is no longer used')
      },
    })
  }

  const warmStart = createWarmStart({
    model,
    watched,
    clock,
    restore,
    answers: () => watched.some((resource) => ageOf(resource) !== undefined),
  })

  return {
    start() {
      warmStart.start()
      void removeAbandoned(file, clock.wall())
    },
    failed: warmStart.failed,
    age,
    async stop() {
      await warmStart.stop()
      await keeper.close()
      claim.release()
      meter.remove()
    },
  }
}

const unexpected = (file: string, error: Error) =>
  new SnapshotRefused('unreadable', `cannot use ${file}: ${error.message}`)
