/**
 * The state as server-sent events: all of it at first, then once a second the members that changed. Up-to-date streams
 * share the octets of an event. A stream that has not taken its last event is sent nothing; the next event has what it
 * missed.
 */
import type { Inspection } from '../../console/inspection.ts'
import type { ConsoleState } from '../../console/state.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { type HttpReply, type HttpStream, textReply } from '../../telemetry/http/message.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/**
 * Concurrent streams of all consoles of the process: a browser has one for each tab, and the kernel holds some MiB for
 * each stream that is not read.
 */
export const maxStreams = 16
/** Milliseconds. */
const interval = 1_000

export interface Events {
  /** The reply with the stream; 503 when `maxStreams` are open. */
  open(): HttpReply
}

interface Follower {
  readonly stream: HttpStream
  /** The last event that it was sent; 0: none. */
  seen: number
}

interface Member {
  json: string
  /** The event in which it last changed. */
  changed: number
}

export function createEvents(
  inspection: Inspection,
  clock: Clock,
  metrics: MetricsRegistry,
): { readonly value: Events; stop(): void } {
  const open = metrics.gauge('slicedns_console_streams', 'Open streams of the console.', []).with()
  const refused = metrics
    .counter('slicedns_console_refused_streams_total', 'Streams of the console refused because there were enough.', [])
    .with()
  const late = metrics
    .counter(
      'slicedns_console_late_events_total',
      'Events that a stream was not sent, because it had not taken the one before.',
      [],
    )
    .with()
  const followers = new Set<Follower>()
  const members = new Map<string, Member>()
  let event = 0
  let timer: Timer | undefined
  let making = false

  /** Ticks once a second while there are followers. */
  function pace(): void {
    open.set(followers.size)
    if (followers.size > 0) {
      timer ??= clock.every(interval, () => void tick())
      return
    }
    timer?.cancel()
    timer = undefined
    members.clear()
  }

  async function tick(): Promise<void> {
    if (making) return
    making = true
    try {
      note(await inspection.state())
      sendAll()
    } catch {
      // The server starts or shuts down: the streams stay open, and get the next state.
    } finally {
      making = false
    }
  }

  function note(state: ConsoleState): void {
    event++
    for (const [name, value] of Object.entries(state)) {
      const json = JSON.stringify(value)
      const member = members.get(name)
      if (member?.json !== json) members.set(name, { json, changed: event })
    }
  }

  function sendAll(): void {
    /** By the last event seen: streams that are up to date share one. */
    const made = new Map<number, Uint8Array>()
    for (const follower of followers) {
      const octets = made.get(follower.seen) ?? eventSince(members, follower.seen)
      made.set(follower.seen, octets)
      if (follower.stream.send(octets)) follower.seen = event
      else late.inc()
    }
  }

  return {
    value: {
      open() {
        if (followers.size >= maxStreams) {
          refused.inc()
          const reply = textReply(503, `${maxStreams} streams are open\n`, { close: true })
          return { ...reply, headers: { ...reply.headers, 'Retry-After': '5' } }
        }
        return {
          status: 200,
          headers: { 'Content-Type': 'text/event-stream' },
          body: new Uint8Array(0),
          stream(stream) {
            const follower: Follower = { stream, seen: 0 }
            followers.add(follower)
            pace()
            void tick()
            return () => {
              followers.delete(follower)
              pace()
            }
          },
        }
      },
    },
    stop() {
      for (const { stream } of [...followers]) stream.end()
    },
  }
}

/** The members that changed since that event; a comment where none did, as a sign of life. */
function eventSince(members: ReadonlyMap<string, Member>, seen: number): Uint8Array {
  const changed = [...members].filter(([, member]) => member.changed > seen)
  if (changed.length === 0) return Buffer.from(': no change\n\n')
  const json = changed.map(([name, member]) => `${JSON.stringify(name)}:${member.json}`).join(',')
  return Buffer.from(`event: state\ndata: {${json}}\n\n`)
}
