/** The status of the running server, for local commands. */
import type { ServerStatus } from '../console/state.ts'
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { Server } from './api.ts'

export function serverStatus(server: Server, version: string): ServerStatus {
  const running = server.current()
  const { file, hash, builtIn } = server.corefile()
  const { listeners, blocks } = running.configuration
  const plugins = blocks.flatMap((block) => block.plugins)
  const lastReload = server.lastReload()
  const unready = plugins.filter(({ instance }) => instance.ready?.() === false).map(({ plugin }) => plugin)
  return {
    version,
    pid: process.pid,
    corefile: builtIn ? 'built in' : file,
    configHash: hash,
    uptime: process.uptime(),
    ready: running.ready(),
    unready: [...new Set(unready)],
    listeners: listeners.map(({ scheme, address, port, blocks: served }) => ({
      scheme,
      address,
      port,
      zones: served.flatMap(({ zones }) => zones),
    })),
    sources: plugins.flatMap(({ plugin, instance }) => {
      const source = capabilityOf(instance, compiledSource)
      return source ? [{ plugin, zones: source.zones }] : []
    }),
    ...(lastReload && { lastReload }),
  }
}
