/**
 * The listeners of every scheme for the clusters of a test file, one after the other: what is asked over any transport is answered
 * by the cluster that is served now, from its table or by its chain.
 */
import { after } from 'node:test'
import type { Responder } from '../../src/answer/api.ts'
import { createMetrics } from '../../src/telemetry/registry.ts'
import { createTransport } from '../../src/transport/index.ts'
import { createAuthority } from './api-server/certificates.ts'
import { testTls } from './certificates.ts'
import { collectingLog } from './plugin-harness.ts'
import { freePort } from './ports.ts'
import { allWays, type StreamClient, streamClient, type Way, ways } from './stream-clients.ts'

/** What answers: a table for a space, and a chain for what it has not. */
export interface Served {
  readonly space: number
  readonly responder: Responder
  chain(request: Uint8Array): Promise<Uint8Array>
}

interface Doors {
  readonly clients: ReadonlyMap<Way, StreamClient>
  serve(served: Served): void
  close(): Promise<void>
}

let opened: Promise<Doors> | undefined

/** Asks over each transport; gives the replies by its name. */
export async function askEveryWay(served: Served, request: Uint8Array): Promise<ReadonlyMap<Way, Uint8Array>> {
  opened ??= openDoors(served)
  const doors = await opened
  doors.serve(served)
  const asked = [...doors.clients].map(async ([way, client]) => [way, await client.ask(request)] as const)
  return new Map(await Promise.all(asked))
}

after(async () => (await opened)?.close())

async function openDoors(first: Served): Promise<Doors> {
  let current = first
  const authority = createAuthority()
  const transport = createTransport({
    table: { memory: new SharedArrayBuffer(8), counters: new SharedArrayBuffer(8), sketches: new SharedArrayBuffer(8) },
    addReader: () => ({ slot: 0, release() {} }),
    onMiss: ({ request }) => current.chain(request),
    onAnswered: () => true,
    onRelayed: () => undefined,
    log: collectingLog([]),
    metrics: createMetrics(),
    udp: 'dgram',
    responder: { module: '', create: () => forwarding(() => current.responder) },
  })
  const ports = new Map<string, number>()
  for (const scheme of new Set(Object.values(ways))) ports.set(scheme, await freePort())
  const listeners = [...ports].map(([scheme, port]) => ({
    scheme: scheme as (typeof ways)[Way],
    address: '127.0.0.1',
    port,
    space: first.space,
    shards: 1,
    ...(scheme !== 'dns' && { tls: testTls(authority) }),
  }))
  await transport.apply(listeners)
  const clients = allWays.map((way) => {
    const client = streamClient(way, { port: ports.get(ways[way])!, ca: authority.cert })
    return [way, client] as const
  })
  return {
    clients: new Map(clients),
    serve(served) {
      if (served.space !== first.space) throw new Error('the listeners are those of another space')
      current = served
    },
    async close() {
      for (const [, client] of clients) client.close()
      await transport.close()
    },
  }
}

function forwarding(to: () => Responder): Responder {
  return {
    from: (...client) => to().from(...client),
    answer: (...asked) => to().answer(...asked),
    count: (...given) => to().count(...given),
    observed: () => to().observed(),
    observe: (route) => to().observe(route),
    publish: (seconds) => to().publish(seconds),
    startBatch: (now) => to().startBatch(now),
    offline: () => to().offline(),
    limitDatagrams: (octets) => to().limitDatagrams(octets),
    missReason: () => to().missReason(),
  }
}
