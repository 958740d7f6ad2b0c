import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { HttpReply } from '../../telemetry/http/message.ts'
import type { HttpHandler } from '../../telemetry/http/server.ts'
import type { MetricsRegistry } from '../../telemetry/metrics.ts'

/** The metrics as they are at one moment. */
interface Rendering {
  readonly plain: Promise<Buffer>
  /** Made for the first scraper that asks for it. */
  gzipped?: Promise<Buffer>
}

/** Of the time at most this part goes into rendering, however many ask. */
const mostOfTheTime = 1 / 4

/**
 * Answers scrapes, compressed (on another thread) for those that ask for it, as Prometheus does. Those that ask at the
 * same time share one rendering. The next one begins after a pause of three times what the last one took; who asks
 * meanwhile waits for it, and so never gets an old one. `extra` are further headers of each reply.
 */
export function exposition(metrics: MetricsRegistry, extra: Readonly<Record<string, string>> = {}): HttpHandler {
  /** One that has not begun, which everybody may share. */
  let next: Rendering | undefined
  let last: Promise<unknown> = Promise.resolve()

  function render(): Rendering {
    const begun = last.then(() => {
      next = undefined
      const startedAt = performance.now()
      const text = metrics.text()
      const rest = (): Promise<void> => pause((performance.now() - startedAt) * (1 / mostOfTheTime - 1))
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
