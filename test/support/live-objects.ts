/** Counts what lives in a server's heap: a leak shows as objects, where resident memory shows what V8 has not collected yet. */
import { once } from 'node:events'
import { serverFlags } from '../../src/launch-flags.ts'
import { builtServer, type RunningServer, runtime } from './server.ts'

/** The built server in one process image, with an inspector on a free port of loopback. For startServer. */
export const inspectedServer: readonly string[] = [runtime, '--inspect=127.0.0.1:0', ...serverFlags([]), builtServer]

/** Live objects (all but those without a prototype), and active resources of the event loop by kind. */
export interface LiveObjects {
  readonly objects: number
  readonly resources: Readonly<Record<string, number>>
}

/** Collects garbage first. */
const expression = `(() => {
  const { queryObjects } = process.getBuiltinModule('v8')
  const objects = queryObjects(Object, { format: 'count' })
  const resources = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return JSON.stringify({ objects, resources })
})()`

/** Of a server that was started with `inspectedServer`. */
export async function liveObjects(server: RunningServer): Promise<LiveObjects> {
  const [url] = await server.printed(/ws:\S+/)
  const inspector = new WebSocket(url)
  try {
    await once(inspector, 'open')
    inspector.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }))
    const [{ data }] = await once(inspector, 'message')
    return JSON.parse(JSON.parse(data).result.result.value)
  } finally {
    inspector.close()
  }
}
