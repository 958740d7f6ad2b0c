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
import type { ClusterConfig, SnapshotConfig } from '../model/config.ts'
import type { Subscription } from '../model/event-feed.ts'
import type { Resource } from '../model/types.ts'
import { bootTime } from './boot.ts'
import { claimFile } from './claims.ts'
import { removeAbandoned } from './file.ts'
import { clusterIdentity, isOfAnother, optionsIdentity } from './identity.ts'
import { keepSnapshot } from './keeper.ts'
import { createSnapshotMeter } from './metrics.ts'
import { ageText, type ReadFacts, readSnapshot } from './read.ts'
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
  /** The UID of the Namespace kube-system as last received from the API server. Never rejects. */
  readonly clusterUid: () => Promise<string | undefined>
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
  /**
   * Takes ClusterUid's result for the server whose lists follow. If it is another cluster than the snapshot's, nothing of the
   * snapshot is left when this returns.
   */
  identified(uid: string | undefined): void
  /** Seconds since the served state was confirmed, while it comes from the file. */
  age(): number | undefined
  /** Writes what has changed. Resolves when no work is left. */
  stop(): Promise<void>
}

export function openSnapshots({ file, maxAge }: SnapshotConfig, deps: SnapshotDeps): Snapshots {
  const { model, watched, credentials, scheduler, log, clock, ageOf } = deps
  const options = optionsIdentity(deps.config)
  /** The restored snapshot: its age when it was read, and that time on the clock of `now`. Milliseconds. */
  let restored: (ReadFacts & { readonly readAt: number }) | undefined
  let said: string | undefined
  let following: Subscription | undefined

  const age = (): number | undefined =>
    restored && model.view.restored ? (restored.age + clock.now() - restored.readAt) / 1000 : undefined

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
    identity: async () => ({ cluster: await clusterIdentity(credentials), uid: await deps.clusterUid() }),
    write(time, identity) {
      const present = bootTime()
      const boot = present && { ...present, at: Math.max(0, present.at - Math.max(0, clock.wall() - time)) }
      return writeSnapshot(file, { time, boot, ...identity, options }, model, watched, scheduler)
    },
  })

  const restore = async (): Promise<void> => {
    try {
      const cluster = await clusterIdentity(credentials).catch((error: Error) => {
        throw unexpected(file, error)
      })
      const expected = { cluster, uid: () => said, options, now: clock.wall(), boot: bootTime(), maxAge }
      await readSnapshot(file, expected, deps, (facts) => {
        restored = { ...facts, readAt: clock.now() }
        log.warning(
          `the Kubernetes API does not answer: names of the cluster are answered from the snapshot ${file}, which is ${ageText(facts.age)} old, until it does`,
        )
        reportEnd()
      })
    } catch (error) {
      const { reason, message } = error instanceof SnapshotRefused ? error : unexpected(file, error as Error)
      meter.refused(reason)
      // A first start always finds it missing.
      const write = reason === 'missing' ? log.info : log.warning
      write(`no snapshot to start from: ${message}`)
    }
  }

  const reportEnd = (): void => {
    following = model.subscribe('observers', {
      sync() {
        if (model.view.restored) return
        following?.unsubscribe()
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
    identified(uid) {
      said = uid
      if (!model.view.restored || !isOfAnother(restored?.uid, uid)) return
      following?.unsubscribe()
      model.dropRestored()
      meter.dropped()
      log.warning(
        `the snapshot ${file} belongs to another cluster (the UID of the Namespace kube-system differs): it is dropped, and names of the cluster get SERVFAIL until the Kubernetes API has been read`,
      )
    },
    age,
    async stop() {
      await warmStart.stop()
      following?.unsubscribe()
      await keeper.close()
      claim.release()
      meter.remove()
    },
  }
}

const unexpected = (file: string, error: Error) =>
  new SnapshotRefused('unreadable', `cannot use ${file}: ${error.message}`)
