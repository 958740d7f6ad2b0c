import { pipeline, Readable } from 'node:stream'
import { constants, createGzip } from 'node:zlib'
import type { HttpHandler } from '../../telemetry/http.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** Answers a scrape piece by piece, compressed (on another thread) for those that ask for it, as Prometheus does. */
export function exposition(metrics: MetricsRegistry): HttpHandler {
  return (request, response) => {
    const text = Readable.from(metrics.pieces())
    // A scraper that leaves early ends the pipeline: nothing is to be done about it.
    const done = (): void => undefined
    response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8')
    if (!acceptsGzip(request.headers['accept-encoding'])) {
      pipeline(text, response, done)
      return
    }
    response.setHeader('Content-Encoding', 'gzip')
    pipeline(text, createGzip({ level: constants.Z_BEST_SPEED }), response, done)
  }
}

/** RFC 9110 §12.5.3: `gzip;q=0` is a refusal. */
function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(1(\.0*)?|0?\.\d*[1-9]\d*))?\s*$/i.test(coding))
}
