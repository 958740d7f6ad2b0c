/** The destination of a tap's messages: a sink that we connect to, or all sinks that have connected to us. */
import type { Clock } from '../../scheduling/clock.ts'
import type { Logger } from '../../telemetry/log.ts'
import type { CounterCell } from '../../telemetry/metrics.ts'

export interface Sink {
  /** False while no sink would get a message, now or later. */
  wanted(): boolean
  /** Takes a copy of the message, or drops and counts it. Never waits. */
  push(message: Uint8Array): void
  start(): void
  /** Writes what is left, within two seconds. */
  stop(): Promise<void>
}

export interface SinkOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Bounds on what waits for one sink. */
  readonly most: { readonly messages: number; readonly octets: number }
  readonly dropped: CounterCell
}

/** Milliseconds between two log lines about dropped messages, as in CoreDNS. */
const reportEvery = 10_000

/** Counts dropped messages, and logs their number every ten seconds. */
export function createDropReport({ clock, log, dropped }: SinkOptions): { drop(messages: number): void; stop(): void } {
  let unreported = 0
  const reporting = clock.every(reportEvery, () => {
    if (unreported > 0) log.warning(`Dropped dnstap messages: ${unreported}`)
    unreported = 0
  })
  return {
    drop(messages) {
      dropped.inc(messages)
      unreported += messages
    },
    stop: () => reporting.cancel(),
  }
}
