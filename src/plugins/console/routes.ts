/** The paths of the console. */
import { type Inspection, inspect, inspectionPaths } from '../../console/inspection.ts'
import type { HttpReply } from '../../telemetry/http/message.ts'
import type { HttpHandler } from '../../telemetry/http/server.ts'
import type { Events } from './events.ts'
import type { PageFile } from './page.ts'
import { guarded } from './security.ts'

export interface RouteOptions {
  /** The host of the listener's address. */
  readonly host: string
  readonly page: readonly PageFile[]
  readonly inspection: Inspection
  readonly events: Events
}

export function createRoutes({ host, page, inspection, events }: RouteOptions): ReadonlyMap<string, HttpHandler> {
  const ask: HttpHandler = ({ target }) => inspect(inspection, target)
  const handlers = new Map<string, HttpHandler>([
    ...page.map((file) => [file.path, () => fileReply(file)] as const),
    ...inspectionPaths.map((path) => [path, ask] as const),
    ['/events', events.open],
  ])
  return new Map([...handlers].map(([path, handler]) => [path, guarded(host, handler)]))
}

const fileReply = ({ contentType, octets }: PageFile): HttpReply => ({
  status: 200,
  headers: { 'Content-Type': contentType },
  body: octets,
})
