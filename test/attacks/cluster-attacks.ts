/** What a tenant may do with objects of the cluster, and one question. */
import { dig } from '../support/dig.ts'
import type { Ports } from '../support/server.ts'
import type { Attack } from './arena.ts'
import { endpoint, manyPorts, service, slice, slices } from './objects.ts'
import { seconds } from './traffic.ts'

const nameOf = (service: string): string => `${service}.shop.svc.cluster.local`

/** Asked over TCP, so that the answer is as large as it gets. Whether it comes in time is for the judge to see. */
async function ask(ports: Ports, name: string, type: string): Promise<void> {
  await dig(name, type, { port: ports.dns, tcp: true }).catch(() => undefined)
}

const srvOf = (endpoints: number, ports: number): Attack => ({
  finding: 4,
  title: `one question for SRV of ${endpoints} endpoints with ${ports} ports`,
  objects: () => [
    service('shop', 'big', { ports: manyPorts(ports) }),
    ...slices('shop', 'big', endpoints, { ports: manyPorts(ports) }),
  ],
  async run({ ports }) {
    for (let i = 0; i < 4; i++) await ask(ports, nameOf('big'), 'SRV')
    await seconds(1)
  },
})

const aliases = (count: number): Readonly<Record<string, string>> => ({
  'slicedns.io/alias': Array.from({ length: count }, (_, i) => `a${i}.apps.example`).join(),
})

const backends = Array.from({ length: 32 }, (_, i) => `b${i}`)

export const clusterAttacks: readonly Attack[] = [
  srvOf(200, 10_000),
  srvOf(1_000, 15_000),
  {
    finding: 7,
    title: '64 aliases of a Service with 15,000 ports, which changes four times',
    onlySlicedns: true,
    kubernetes: 'alias_zones apps.example',
    objects: () => [service('shop', 'big', { ports: manyPorts(15_000), annotations: aliases(64) })],
    async run({ api }) {
      for (let i = 1; i <= 4; i++) {
        api.put(service('shop', 'big', { ports: manyPorts(15_000 - i), annotations: aliases(64) }))
        await seconds(1)
      }
    },
  },
  {
    finding: 8,
    title: '200 splits over 32 Services of 1,000 endpoints, one of which flaps 20 times a second',
    onlySlicedns: true,
    objects: () => [
      ...backends.flatMap((name, i) => [service('shop', name), ...slices('shop', name, 1_000, { first: i * 1_000 })]),
      ...Array.from({ length: 200 }, (_, i) =>
        service('shop', `split${i}`, {
          clusterIP: `10.97.0.${i}`,
          annotations: { 'slicedns.io/split': backends.map((name) => `${name}=1`).join() },
        }),
      ),
    ],
    async run({ api, ports }) {
      for (let i = 0; i < 20; i++) await ask(ports, nameOf(`split${i}`), 'SRV')
      for (let i = 0; i < 100; i++) {
        api.put(flapping('b0', 0, i))
        await seconds(0.05)
      }
    },
  },
  {
    finding: 15,
    title: '65,000 endpoints of one Service, one of which flaps 40 times a second',
    objects: () => [service('shop', 'big'), ...slices('shop', 'big', 65_000)],
    async run({ api, ports }) {
      await ask(ports, nameOf('big'), 'SRV')
      await ask(ports, nameOf('big'), 'A')
      for (let i = 0; i < 200; i++) {
        api.put(flapping('big', 0, i))
        await seconds(0.025)
      }
    },
  },
]

/** The first slice of the Service; its first endpoint is ready every other time. */
const flapping = (name: string, first: number, round: number) =>
  slice('shop', name, {
    endpoints: Array.from({ length: 100 }, (_, i) => endpoint(first + i, i > 0 || round % 2 === 1)),
  })
