/** The HTTP server for local commands: `slicedns explain`, `slicedns status`, `slicedns top`. */
import { type Inspection, inspect } from '../console/inspection.ts'
import { createHttpBudget } from '../telemetry/http/budget.ts'
import { createHttpServer, type HttpServer } from '../telemetry/http/server.ts'

/** Connections at a time, and octets queued for them: it serves one operator. */
const bounds = { connections: 16, octets: 4 << 20 }

/** One request at a time on a connection, each within 5 s. */
export function createDiagnosticsServer(inspection: Inspection): HttpServer {
  return createHttpServer(({ target }) => inspect(inspection, target), createHttpBudget(bounds))
}
