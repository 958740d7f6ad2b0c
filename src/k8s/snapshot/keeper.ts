/** When a snapshot is written: soon after a change, but rarely enough not to be noticed, and when the server ends. */
import type { Clock } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import { createRateLimitedLog } from '../../telemetry/rate-limited-log.ts'
import type { ClusterModel } from '../model/cluster-model.ts'
import type { Claim } from './claims.ts'
import type { SnapshotMeter } from './metrics.ts'
import { type Origin, SnapshotTooLarge } from './write.ts'

export interface KeeperOptions {
  readonly file: string
  /** Milliseconds. */
  readonly maxAge: number
  readonly model: ClusterModel
  readonly claim: Claim
  /** Milliseconds since 1970 when the API server last confirmed the state; undefined before it did. */
  readonly confirmedAt: () => number | undefined
  /** The cluster's identity from the files as they are now. Rejects if they cannot be read. */
  readonly identity: () => Promise<Identity>
  /** Writes the state with this time. Returns the octets of the file. */
  readonly write: (time: number, identity: Identity) => Promise<number>
  readonly log: Logger
  readonly clock: Clock
  readonly meter: SnapshotMeter
}

export type Identity = Pick<Origin, 'cluster' | 'uid'>

export interface Keeper {
  /** Writes what has changed since the last write, then nothing more. */
  close(): Promise<void>
}

const second = 1000
/** How often to check whether anything must be written. */
const tick = second
/** How often to check whether the cluster's identity has changed: its CA may have been replaced. */
const identityInterval = 10 * second
/** From the end of a write to the next. */
const pace = 5 * second
/** Writing takes at most 1 / (this + 1) of the time, so a large cluster that changes constantly is written less often. */
const restFactor = 50
/** From a failed write to the next attempt. */
const retryAfter = 30 * second
/** How old the time in the file may become without changes, as a fraction of MAX_AGE, and at most. */
const refreshPart = 1 / 4
const longestRefresh = 3600 * second

export function keepSnapshot(options: KeeperOptions): Keeper {
  const { file, maxAge, model, claim, confirmedAt, write, log, clock, meter } = options
  const refresh = Math.min(maxAge * refreshPart, longestRefresh)
  const failures = createRateLimitedLog(`the snapshot ${file}`, log, clock, false)
  let written: { readonly changes: number; readonly time: number; readonly identity: string } | undefined
  let identity: string | undefined
  let notBefore = Number.NEGATIVE_INFINITY
  let writing: Promise<void> | undefined

  /** A state that no list has confirmed is not written, because its time would be wrong. */
  const isWritable = (): boolean => claim.current && model.view.synced && !model.view.restored

  const needsWrite = (longest: number): boolean => {
    const time = confirmedAt()
    if (!isWritable() || time === undefined) return false
    // The clock may have been set back: the file must not be in the future for a server that starts now.
    const age = Math.abs(time - (written?.time ?? 0))
    if (written === undefined || written.changes !== model.changes || age >= longest) return true
    // A server that starts now would refuse the file, or not notice that it is another cluster's.
    return identity !== undefined && identity !== written.identity
  }

  const look = async (): Promise<Identity> => {
    const found = await options.identity()
    identity = JSON.stringify(found)
    return found
  }

  const lookUnlessUnreadable = async (): Promise<void> => {
    try {
      await look()
    } catch {
      // The next write reports the reason.
    }
  }

  const writeNow = async (): Promise<void> => {
    const time = confirmedAt() as number
    const { changes } = model
    try {
      const found = await look()
      // Not before: asking the API server for its identity may take long, but does not disturb anything.
      const start = clock.now()
      const octets = await write(time, found)
      written = { changes, time, identity: JSON.stringify(found) }
      meter.written(octets, time)
      failures.over()
      notBefore = clock.now() + Math.max(pace, restFactor * (clock.now() - start))
    } catch (error) {
      meter.failed(error instanceof SnapshotTooLarge ? 'oversized' : 'failed')
      failures.failed(`cannot write the snapshot ${file}: ${withoutPath(error as Error)}`)
      notBefore = clock.now() + retryAfter
    }
  }

  const startWriting = (): Promise<void> => {
    writing = writeNow().finally(() => {
      writing = undefined
    })
    return writing
  }

  const timer = clock.every(tick, () => {
    if (writing === undefined && clock.now() >= notBefore && needsWrite(refresh)) void startWriting()
  })
  const looking = clock.every(identityInterval, () => void lookUnlessUnreadable())

  return {
    async close() {
      timer.cancel()
      looking.cancel()
      await writing
      await lookUnlessUnreadable()
      // A restart within a minute finds a state no older than the restart.
      if (needsWrite(Math.min(refresh, pace))) await startWriting()
    },
  }
}

/** Node.js puts the draft's path, which differs each time, behind the first comma. */
function withoutPath({ message }: Error): string {
  return message.split(',', 1)[0]
}
