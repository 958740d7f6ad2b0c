/**
 * What the flood's messages go through where they are not in the clear: DNS over TLS, HTTPS and gRPC. The program (main.c) sends them
 * as over TCP to a port of the relay, which is a thread; from there each goes on from the client's own address.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { freePort } from '../../support/ports.ts'

export const relayedWays = ['dot', 'https', 'grpc'] as const
export type RelayedWay = (typeof relayedWays)[number]

/** Of the server, or of the relay. */
export type RelayedPorts = Readonly<Record<RelayedWay, number>>

export interface RelaySettings {
  readonly listens: RelayedPorts
  readonly server: RelayedPorts
}

export async function freeRelayedPorts(): Promise<RelayedPorts> {
  const [dot, https, grpc] = await Promise.all(relayedWays.map(freePort))
  return { dot: dot!, https: https!, grpc: grpc! }
}

export interface Relay {
  readonly ports: RelayedPorts
  stop(): Promise<void>
}

export async function startRelay(server: RelayedPorts): Promise<Relay> {
  const ports = await freeRelayedPorts()
  const settings: RelaySettings = { listens: ports, server }
  const thread = new Worker(new URL('./relay-thread.ts', import.meta.url), { workerData: settings })
  await once(thread, 'message')
  return {
    ports,
    async stop() {
      await thread.terminate()
    },
  }
}
