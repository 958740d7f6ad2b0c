/** The HTTP server that the commands of this machine ask: `slicedns explain`, `slicedns status`. */
import { NameError } from '../dns/name.ts'
import { errorMessage } from '../telemetry/error-text.ts'
import { createHttpBudget } from '../telemetry/http/budget.ts'
import type { HttpReply } from '../telemetry/http/message.ts'
import { createHttpServer, type HttpServer } from '../telemetry/http/server.ts'
import type { Explanation } from './explain.ts'
import type { ServerStatus } from './status.ts'

export interface Diagnostics {
  /** Throws NameError or RangeError on a bad name or type. */
  explain(name: string, type: string): Promise<readonly Explanation[]>
  status(): ServerStatus
}

/** Connections at a time, and octets that they have not taken: one person asks. */
const bounds = { connections: 16, octets: 1 << 20 }

/** One request at a time on a connection, each within 5 s. */
export function createDiagnosticsServer({ explain, status }: Diagnostics): HttpServer {
  return createHttpServer(async ({ target }) => {
    const url = URL.parse(target, 'http://localhost')
    try {
      if (url?.pathname === '/status') return jsonReply(200, status())
      if (url?.pathname === '/explain')
        return jsonReply(200, await explain(url.searchParams.get('name') ?? '', url.searchParams.get('type') ?? 'A'))
      return jsonReply(404, { error: 'only /explain?name=NAME&type=TYPE and /status are here' })
    } catch (error) {
      const isBad = error instanceof NameError || error instanceof RangeError
      return jsonReply(isBad ? 400 : 500, { error: errorMessage(error) })
    }
  }, createHttpBudget(bounds))
}

function jsonReply(status: number, content: unknown): HttpReply {
  const body = Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`)
  return { status, headers: { 'content-type': 'application/json' }, body, close: true }
}
