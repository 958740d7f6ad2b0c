/**
 * What a query over TLS and over HTTPS costs in processor time, beside CoreDNS: on connections that are kept, with one and with ten
 * queries under way, and on connections of one query each, which are mostly the handshake's.
 */

import { createAuthority } from '../test/support/api-server/certificates.ts'
import type { Context } from './lib/context.ts'
import { type Door, type DoorLoad, openDoors } from './lib/door-clients.ts'
import { micros, ratio, table } from './lib/numbers.ts'
import { cpuTime } from './lib/process.ts'
import { installed, type Server, type ServerKind, startServer, untilAnswering } from './lib/servers.ts'

const kinds: readonly ServerKind[] = ['slicedns threads', 'coredns']
const clients = 10

const loads: readonly (readonly [name: string, load: Omit<DoorLoad, 'seconds'>])[] = [
  ['DoT, kept, 10 under way', { door: 'tls', clients, underWay: 10, kept: true }],
  ['DoT, kept, 1 under way', { door: 'tls', clients, underWay: 1, kept: true }],
  ['DoT, a connection each', { door: 'tls', clients, underWay: 1, kept: false }],
  ['DoH, kept, 10 under way', { door: 'https', clients, underWay: 10, kept: true }],
  ['DoH, kept, 1 under way', { door: 'https', clients, underWay: 1, kept: true }],
  ['DoH, a connection each', { door: 'https', clients, underWay: 1, kept: false }],
]

export async function run({ seconds, print }: Context): Promise<void> {
  const measured = new Map<ServerKind, number[]>()
  for (const kind of kinds) if (installed(kind)) measured.set(kind, await measure(kind, seconds))
  const [own, peer = []] = kinds.map((kind) => measured.get(kind))
  const rows = loads.map(([name], i) => [name, micros(own![i]), micros(peer[i]), ratio(peer[i] / own![i])])
  print(table(['processor time of a query, µs', 'slicedns', 'CoreDNS', 'CoreDNS / slicedns'], rows))
}

/** Seconds of processor time that a query of each load costs. */
async function measure(kind: ServerKind, seconds: number): Promise<number[]> {
  const { cert, key } = createAuthority().issue()
  const zone = 'hosts {\n    192.0.2.1 a.example\n  }'
  const server = await startServer(kind, {
    files: { 'cert.pem': [cert], 'key.pem': [key] },
    corefile: ({ dns, other, health }) =>
      [`.:${dns}`, `tls://.:${other}`, `https://.:${health}`]
        .map((listener) => `${listener} {\n  tls cert.pem key.pem\n  ${zone}\n}\n`)
        .join(''),
  })
  try {
    await untilAnswering(server, 'a.example', 'A')
    const costs: number[] = []
    for (const [, load] of loads) {
      // What runs for the first time is compiled meanwhile.
      await ask(server, { ...load, seconds: seconds / 2 })
      costs.push(await ask(server, { ...load, seconds }))
    }
    return costs
  } finally {
    await server.stop()
  }
}

async function ask(server: Server, load: DoorLoad): Promise<number> {
  const ports: Readonly<Record<Door, number>> = { tls: server.ports.other, https: server.ports.health }
  const before = cpuTime(server.pid)
  const answered = await openDoors(ports[load.door], load)
  const after = cpuTime(server.pid)
  return (after.user + after.system - before.user - before.system) / answered
}
