import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { HttpReply } from '../../telemetry/http/message.ts'
import type { HttpHandler } from '../../telemetry/http/server.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** A rendering of the metrics at one moment. */
interface Rendering {
  readonly plain: Promise<Buffer>
  /** Made for the first scraper that accepts gzip. */
  gzipped?: Promise<Buffer>
}

/** The largest share of time for rendering, whatever the number of scrapers. */
const maxTimeShare = 1 / 4

/**
 * Answers scrapes, compressed (on another thread) for scrapers that accept gzip, as Prometheus does. Concurrent scrapes
 * share one rendering. The next rendering begins after a pause of three times the duration of the last one; scrapes
 * during the pause wait for it, so that none gets an old one. `extra`: further headers of each reply.
 */
export function exposition(metrics: MetricsRegistry, extra: Readonly<Record<string, string>> = {}): HttpHandler {
  /** A rendering that has not begun, which new scrapes share. */
  let next: Rendering | undefined
  let last: Promise<unknown> = Promise.resolve()

  function render(): Rendering {
    const begun = last.then(() => {
      next = undefined
      const startedAt = performance.now()
      const text = metrics.text()
      const rest = (): Promise<void> => pause((performance.now() - startedAt) * (1 / maxTimeShare - 1))
      last = text.then(rest, rest)
      return text
    })
    return { plain: begun.then((text) => Buffer.from(text)) }
  }

  return async ({ headers }): Promise<HttpReply> => {
    next ??= render()
    const rendering = next
    const compressed = acceptsGzip(headers.get('accept-encoding'))
    if (compressed) rendering.gzipped ??= rendering.plain.then(compress)
    return {
      status: 200,
      headers: {
        ...extra,
        'Content-Type': 'text/plain; version=0.0.4; charset=utf-8',
        ...(compressed ? { 'Content-Encoding': 'gzip' } : {}),
      },
      body: await (compressed ? rendering.gzipped! : rendering.plain),
    }
  }
}

const compress = (text: Buffer): Promise<Buffer> => promisify(gzip)(text, { level: constants.Z_BEST_SPEED })

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds).unref())

/** RFC 9110 §12.5.3: `gzip;q=0` is a refusal. */
function acceptsGzip(header: string | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(1(\.0*)?|0?\.\d*[1-9]\d*))?\s*$/i.test(coding))
}
