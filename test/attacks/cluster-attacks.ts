/** Attacks by objects and by their changes. */
import type { KubeObject } from '../support/api-server/index.ts'
import type { Arena, Attack } from './arena.ts'
import { question } from './messages.ts'
import { endpoint, manyPorts, service, slice, slices } from './objects.ts'
import { askOverTcp, repeat, seconds } from './traffic.ts'

const splitBackends = 32

function splits(count: number, endpoints: number): KubeObject[] {
  const shares = Array.from({ length: splitBackends }, (_, i) => `b${i}=${i + 1}`).join(',')
  return [
    ...Array.from({ length: splitBackends }, (_, i) => [
      service('shop', `b${i}`),
      ...slices('shop', `b${i}`, endpoints, { first: i * endpoints }),
    ]).flat(),
    ...Array.from({ length: count }, (_, i) =>
      service('shop', `s${i}`, {
        clusterIP: `10.97.${i >> 8}.${i & 255}`,
        annotations: { 'slicedns.io/split': shares },
      }),
    ),
  ]
}

/** One endpoint of a slice comes and goes. */
const flap = ({ api }: Arena, name: string, first: number, count: number, round: number): void =>
  api.put(
    slice('shop', name, {
      endpoints: Array.from({ length: count }, (_, i) => endpoint(first + i, i > 0 || round % 2 === 0)),
    }),
  )

const flappingSplits = (endpoints: number, perSecond: number): Attack => ({
  finding: 8,
  title: `200 splits over 32 Services of ${endpoints} endpoints: 22 SRV over TCP, then an endpoint flaps ${perSecond} times a second`,
  objects: () => splits(200, endpoints),
  onlySlicedns: true,
  async run(arena) {
    for (let i = 0; i < 22; i++) await askOverTcp(arena.ports.dns, question(`s${i}.shop.svc.cluster.local`, 'SRV'))
    await repeat(perSecond, 5, (round) => flap(arena, 'b0', 0, 100, round))
  },
})

export const clusterAttacks: readonly Attack[] = [
  {
    finding: 7,
    title: 'a Service with 64 aliases and 30,000 ports changes three times',
    kubernetes: 'alias_zones apps.example',
    onlySlicedns: true,
    async run({ api }) {
      for (let round = 0; round < 3; round++) {
        const aliases = Array.from({ length: 64 }, (_, i) => `a${i}.apps.example`).join(',')
        api.put(
          service('shop', 'aliased', {
            clusterIP: '10.96.0.77',
            ports: manyPorts(30_000 - round),
            annotations: { 'slicedns.io/alias': aliases },
          }),
        )
        await seconds(2)
      }
    },
  },
  flappingSplits(2_000, 40),
  {
    finding: 15,
    title: 'a Service of 130,000 endpoints: SRV, then one endpoint flaps 40 times a second',
    objects: () => [service('shop', 'huge'), ...slices('shop', 'huge', 130_000)],
    async run(arena) {
      for (let i = 0; i < 5; i++) await askOverTcp(arena.ports.dns, question('huge.shop.svc.cluster.local', 'SRV'))
      await repeat(40, 5, (round) => flap(arena, 'huge', 0, 100, round))
    },
  },
  {
    finding: 24,
    title: '500 Services with 250 KB of annotations each',
    onlySlicedns: true,
    async run({ api }) {
      const annotations = {
        'txt.slicedns.io/a': 'x'.repeat(60_000),
        'slicedns.io/alias': 'a,'.repeat(30_000),
        'slicedns.io/split': 'b=1,'.repeat(20_000),
        'slicedns.io/grpc-config': '['.repeat(50_000),
      }
      await repeat(50, 1, (round) =>
        api.put(
          ...Array.from({ length: 10 }, (_, i) =>
            service('shop', `long-${10 * round + i}`, { clusterIP: `10.98.${round}.${i}`, annotations }),
          ),
        ),
      )
      await seconds(0.5)
    },
  },
]
