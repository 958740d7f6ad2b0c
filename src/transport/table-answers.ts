/** Answers from the table on the main thread, for datagrams that no UDP thread answers. */
import { DROP, MISS, type Responder, transportCode } from '../answer/api.ts'
import type { SocketAddress } from '../plugin/query.ts'
import type { Clock } from '../scheduling/clock.ts'
import type { Listener } from '../server/ingress.ts'
import { errorStack } from '../telemetry/error-text.ts'
import type { Logger } from '../telemetry/log.ts'
import { clientNamer } from './client-octets.ts'
import { guardAnswer } from './guarded-answer.ts'
import type { TransportMetrics } from './metrics.ts'
import { type QueryLogReader, routeOf } from './query-log.ts'

/** A datagram with its source and destination. */
export interface AskedDatagram {
  readonly request: Uint8Array
  readonly client: SocketAddress
  readonly local: SocketAddress
  readonly listener: Listener
  /** Milliseconds of the monotonic clock. */
  readonly receivedAt: number
}

export interface TableAnswers {
  /** A reply in its own memory; undefined to send nothing; `miss`: the chain must be asked. */
  answer(asked: AskedDatagram): Uint8Array | undefined | 'miss'
}

export interface TableAnswersOptions {
  readonly responder: Responder
  readonly queryLog: QueryLogReader
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: TransportMetrics
}

const replyBytes = 65535

export function createTableAnswers({ responder, queryLog, clock, log, metrics }: TableAnswersOptions): TableAnswers {
  const reply = new Uint8Array(replyBytes)
  const answer = guardAnswer(responder, {
    count: () => metrics.answerFailures.inc(),
    report: (error) => log.error(`Answering from the table failed; the plugin chain was asked: ${errorStack(error)}`),
    now: () => clock.now(),
  })
  return {
    answer({ request, client, local, listener, receivedAt }) {
      const family = client.address.includes(':') ? 2 : 1
      const transport = family === 1 ? transportCode.udp4 : transportCode.udp6
      responder.startBatch(receivedAt)
      clientNamer(responder, client.address)()
      const length = answer(request, 0, request.length, listener.space, transport, reply, 0)
      responder.offline()
      if (length === MISS) return 'miss'
      if (length === DROP) return undefined
      const seconds = (clock.now() - receivedAt) / 1000
      responder.count(transport, family, seconds)
      if (responder.observed()) {
        responder.observe(routeOf(client, local))
        if (responder.publish(seconds)) queryLog.wake()
      }
      return reply.slice(0, length)
    },
  }
}
