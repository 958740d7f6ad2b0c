/** What runs: for the commands that ask the server of this machine. */
import { compiledSource } from '../plugin/capabilities/compiled-source.ts'
import { capabilityOf } from '../plugin/capability.ts'
import type { Server } from './server.ts'

export interface ServerStatus {
  readonly version: string
  readonly pid: number
  /** Path of the Corefile as it was given, or `built in`. */
  readonly corefile: string
  readonly configHash: string
  /** Seconds since the process began. */
  readonly uptime: number
  /** Every plugin can answer all that it is asked. */
  readonly ready: boolean
  /** Plugins that cannot yet. */
  readonly unready: readonly string[]
  readonly listeners: readonly {
    readonly scheme: string
    /** '' for every address. */
    readonly address: string
    readonly port: number
    readonly zones: readonly string[]
  }[]
  /** Plugins that compile their answers, with their zones. */
  readonly sources: readonly { readonly plugin: string; readonly zones: readonly string[] }[]
}

export function serverStatus(server: Server, version: string): ServerStatus {
  const running = server.current()
  const { file, hash, builtIn } = server.corefile()
  const { listeners, blocks } = running.configuration
  const plugins = blocks.flatMap((block) => block.plugins)
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
  }
}
