/**
 * Replies of many messages (zone transfers), over all connections. A message is made when its connection has room for
 * it, and for a millisecond in each turn of the event loop: however many clients transfer however large zones, other
 * queries are answered in between, and no zone is ever in memory whole.
 */
import type { Clock } from '../../scheduling/clock.ts'

/** The connection's side of a stream. */
export interface StreamTarget {
  /** True while the client has not taken what was written: `resume` is called when it has. */
  full(): boolean
  write(octets: Uint8Array): void
  /** Everything was written, or `failure`: then the client must not take what it got for the whole. */
  ended(failure?: unknown): void
}

export interface ReplyStream {
  /** The target may have room again. */
  resume(): void
  /** The connection is gone. */
  cancel(): void
}

export interface ReplyStreams {
  /** Begins to send; undefined when `most` are under way already. */
  start(replies: Iterator<Uint8Array>, target: StreamTarget): ReplyStream | undefined
}

/** Milliseconds of work before the event loop gets its turn (docs/design.md §4). */
const sliceLength = 1

export function createReplyStreams(most: number, clock: Clock): ReplyStreams {
  let open = 0
  /** Those that have room, each once, in the order of their turns. */
  const ready = new Set<() => void>()
  let armed = false

  function arm(): void {
    if (armed || ready.size === 0) return
    armed = true
    setImmediate(takeTurn)
  }

  function takeTurn(): void {
    armed = false
    const end = clock.now() + sliceLength
    // A step that has room for more comes again behind the others.
    for (const step of ready) {
      ready.delete(step)
      step()
      if (clock.now() >= end) break
    }
    arm()
  }

  return {
    start(replies, target) {
      if (open >= most) return undefined
      open++
      let over = false
      const resume = (): void => {
        if (over || target.full()) return
        ready.add(step)
        arm()
      }
      const end = (): void => {
        over = true
        open--
        ready.delete(step)
      }
      const step = (): void => {
        try {
          const next = replies.next()
          if (!next.done) {
            target.write(next.value)
            resume()
            return
          }
        } catch (error) {
          end()
          target.ended(error)
          return
        }
        end()
        target.ended()
      }
      resume()
      return {
        resume,
        cancel() {
          if (over) return
          end()
          replies.return?.()
        },
      }
    },
  }
}
