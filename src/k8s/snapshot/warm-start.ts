/**
 * When a snapshot is used: only at the start, as soon as it is clear that the API server does not deliver. With the API server
 * away, cluster names are then answered within a second of the process's start.
 */
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Resource } from '../model/types.ts'

export interface WarmStartOptions {
  readonly model: ClusterModel
  readonly watched: readonly Resource[]
  /** The API server has sent part of a list. */
  readonly answers: () => boolean
  /** Restores what the snapshot has. Never rejects. */
  readonly restore: () => Promise<void>
  readonly clock: Clock
}

export interface WarmStart {
  start(): void
  /** A request to the API server has failed. */
  failed(): void
  /** Resolves when no restore is in progress. */
  stop(): Promise<void>
}

/** Milliseconds without any response after which the API server counts as away. */
const firstOctet = 300
/** Milliseconds for a server that has begun to respond to deliver everything. */
const wholeList = 1000

export function createWarmStart({ model, watched, answers, restore, clock }: WarmStartOptions): WarmStart {
  let attempt: Promise<void> | undefined
  let stopped = false
  let timers: Timer[] = []

  const begin = (): void => {
    if (attempt !== undefined || stopped) return
    // What has been listed is newer, and the rest is about to follow.
    if (watched.some((resource) => model.view.availability(resource) === 'synced')) return
    attempt = restore()
  }

  return {
    start() {
      timers = [
        clock.after(firstOctet, () => {
          if (!answers()) begin()
        }),
        clock.after(wholeList, begin),
      ]
    },
    failed: begin,
    async stop() {
      stopped = true
      for (const timer of timers) timer.cancel()
      await attempt
    },
  }
}
