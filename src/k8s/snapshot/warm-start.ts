/**
 * When a snapshot is used: at the start, as soon as it is clear that the API server does not deliver, and once. Whoever asks for a
 * Service while the API server is away gets an answer within a second of the start of the process.
 */
import type { Clock, Timer } from '../../scheduling/clock.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Resource } from '../model/types.ts'

export interface WarmStartOptions {
  readonly model: ClusterModel
  readonly watched: readonly Resource[]
  /** The API server has sent something of a list. */
  readonly answers: () => boolean
  /** Restores what the snapshot has. Never rejects. */
  readonly restore: () => Promise<void>
  readonly clock: Clock
}

export interface WarmStart {
  start(): void
  /** A request to the API server has failed. */
  failed(): void
  /** Resolves when nothing is being restored any more. */
  stop(): Promise<void>
}

/** A server that has not begun to answer after so long is taken for one that is away. Milliseconds. */
const firstOctet = 300
/** One that has begun is given until then to deliver everything. */
const wholeList = 1000

export function createWarmStart({ model, watched, answers, restore, clock }: WarmStartOptions): WarmStart {
  let attempt: Promise<void> | undefined
  let stopped = false
  let timers: Timer[] = []

  const begin = (): void => {
    if (attempt !== undefined || stopped) return
    // What has been listed is newer, and the rest of it is about to come.
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
