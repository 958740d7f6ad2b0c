/** The HTTP server that the commands of this machine ask: `slicedns explain`, `slicedns status`, `slicedns top`. */
import { type Inspection, inspect } from '../console/inspection.ts'
import { createHttpBudget } from '../telemetry/http/budget.ts'
import { createHttpServer, type HttpServer } from '../telemetry/http/server.ts'

/** Connections at a time, and octets that they have not taken: one person asks. */
const bounds = { connections: 16, octets: 4 << 20 }

/** One request at a time on a connection, each within 5 s. */
export function createDiagnosticsServer(inspection: Inspection): HttpServer {
  return createHttpServer(({ target }) => inspect(inspection, target), createHttpBudget(bounds))
}
