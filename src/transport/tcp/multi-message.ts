/**
 * Replies of several messages (zone transfers), over all connections. Each message is made when its connection can take
 * it, in slices of work: however many clients transfer however large zones, other queries are answered in between, and no
 * zone is ever held in memory as a whole.
 */
import type { Clock } from '../../scheduling/clock.ts'
import { createCooperativeScheduler } from '../../scheduling/cooperative-scheduler.ts'

/** The connection's side of a multi-message reply. */
export interface StreamTarget {
  /** True while the client has not taken what was written; `resume` is called when it has. */
  full(): boolean
  write(octets: Uint8Array): void
  /** Everything was written, or it failed: the client must then not mistake what it got for the whole reply. */
  ended(failure?: unknown): void
}

export interface ReplyStream {
  /** The target can take more. */
  resume(): void
  /** The connection has ended. */
  cancel(): void
}

export interface ReplyStreams {
  /** Starts sending; undefined when `most` are already in progress. */
  start(replies: Iterator<Uint8Array>, target: StreamTarget): ReplyStream | undefined
}

export function createReplyStreams(most: number, clock: Clock): ReplyStreams {
  const scheduler = createCooperativeScheduler(clock)
  let open = 0

  return {
    start(replies, target) {
      if (open >= most) return undefined
      open++
      let over = false
      const task = scheduler.task(step)

      function step(): boolean {
        let next: IteratorResult<Uint8Array>
        try {
          next = replies.next()
        } catch (error) {
          end()
          target.ended(error)
          return false
        }
        if (!next.done) {
          target.write(next.value)
          return !target.full()
        }
        end()
        target.ended()
        return false
      }

      function end(): void {
        over = true
        open--
        task.stop()
      }

      if (!target.full()) task.wake()
      return {
        resume() {
          if (!over && !target.full()) task.wake()
        },
        cancel() {
          if (over) return
          end()
          replies.return?.()
        },
      }
    },
  }
}
