/** What stands around a flooded server: its cluster, its upstream, its zone files, and the program that floods it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startApiServer } from '../../support/api-server/index.ts'
import { certificateFolder } from '../../support/certificates.ts'
import { freePort } from '../../support/ports.ts'
import { type RunningServer, type ServerOptions, startServer } from '../../support/server.ts'
import { until } from '../../support/until.ts'
import { compileFlood, type FloodProgram } from './program.ts'
import { freeRelayedPorts, type RelayedPorts } from './relay.ts'
import { floodedCluster, floodedCorefile } from './world.ts'

export interface FloodArena {
  readonly program: FloodProgram
  /** For files of the test. */
  readonly folder: string
  /** The server's; none where it listens in the clear alone. */
  readonly relayed: RelayedPorts | undefined
  /** Resolves when the server is ready. Whoever starts it stops it. */
  start(options?: Pick<ServerOptions, 'command' | 'under'>): Promise<RunningServer>
  close(): Promise<void>
}

/** `protobuf`: the API server's. CoreDNS reads its JSON alone. `secure`: the server listens for TLS, HTTPS and gRPC, too. */
export async function openFloodArena({
  protobuf,
  secure,
}: {
  readonly protobuf: boolean
  readonly secure: boolean
}): Promise<FloodArena> {
  const program = compileFlood()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-flooded-'))
  const api = await startApiServer({ protobuf })
  api.put(...floodedCluster())
  const upstream = await freePort()
  const certificates = secure ? certificateFolder() : undefined
  certificates?.issue('server')
  const relayed = certificates && (await freeRelayedPorts())
  const forwarded = await program.startUpstream(upstream)
  return {
    program,
    folder,
    relayed,
    async start(options) {
      const corefile = floodedCorefile(
        { api, upstream, secure: certificates && { ports: relayed!, certificates: certificates.path } },
        folder,
      )
      const server = await startServer({ ...options, corefile, waitFor: 'nothing' })
      try {
        await untilServing(server)
        return server
      } catch (error) {
        await server.stop('SIGKILL')
        throw error
      }
    },
    async close() {
      await forwarded.stop()
      await api.stop()
      certificates?.remove()
      program.remove()
      rmSync(folder, { recursive: true })
    },
  }
}

/** However busy the machine is. CoreDNS says that it is ready before it listens, on one address sooner than on the other. */
function untilServing(server: RunningServer): Promise<void> {
  return until(
    async () => {
      const { status, body } = await server.http('ready', '/ready')
      if (status !== 200) throw new Error(`/ready says ${status} ${body}; the server printed:\n${server.output()}`)
      for (const address of ['127.0.0.1', '::1']) await server.dig('h3.hosts.test', 'A', { server: address })
    },
    { within: 120_000 },
  )
}
