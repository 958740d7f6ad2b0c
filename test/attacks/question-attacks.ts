/** Attacks by one question, or a few, about objects that a tenant has made. */
import assert from 'node:assert/strict'
import type { KubeObject } from '../support/api-server/index.ts'
import { dig } from '../support/dig.ts'
import { until } from '../support/until.ts'
import type { Arena, Attack } from './arena.ts'
import { question } from './messages.ts'
import { endpoint, manyPorts, service, slice, slices } from './objects.ts'
import { seconds, udpFlood } from './traffic.ts'

/** `layers` layers of `width` headless Services, each of which names all of the next layer. */
function layers(width: number, count: number): KubeObject[] {
  const name = (layer: number, index: number) => `l${layer}-${index}`
  return Array.from({ length: count }, (_, layer) =>
    Array.from({ length: width }, (__, index): KubeObject[] => {
      const targets = Array.from({ length: width }, (___, i) => ({
        addresses: [`${name(layer + 1, i)}.shop.svc.cluster.local`],
        conditions: { ready: true },
      }))
      return [
        service('shop', name(layer, index)),
        layer === count - 1
          ? slice('shop', name(layer, index), { endpoints: [endpoint(layer * width + index)] })
          : slice('shop', name(layer, index), { addressType: 'FQDN', endpoints: targets }),
      ]
    }).flat(),
  ).flat()
}

/** A headless Service whose endpoints are names of a zone that does not answer. */
const fan = (names: number): KubeObject[] => [
  service('shop', 'fan'),
  slice('shop', 'fan', {
    addressType: 'FQDN',
    endpoints: Array.from({ length: names }, (_, i) => ({
      addresses: [`n${i}.silent.test`],
      conditions: { ready: true },
    })),
  }),
]

const askFan = ({ ports }: Arena, count: number) =>
  udpFlood(ports.dns, { perSecond: 8_000, count }, (i) =>
    question('fan.shop.svc.cluster.local', 'A', { id: i & 0xffff }),
  )

const endpointsTimesPorts = (endpoints: number, ports: number): Attack => ({
  finding: 4,
  title: `SRV of a headless Service with ${endpoints} endpoints and ${ports} ports`,
  objects: () => [
    service('shop', 'wide', { ports: manyPorts(ports) }),
    ...slices('shop', 'wide', endpoints, { ports: manyPorts(ports) }),
  ],
  async run(arena) {
    await udpFlood(arena.ports.dns, { perSecond: 100, count: 20 }, () =>
      question('wide.shop.svc.cluster.local', 'SRV', { edns: 1232 }),
    )
    // Each event of the Service compiles it again.
    arena.api.put(service('shop', 'wide', { ports: manyPorts(ports - 1) }))
    await seconds(2)
    await udpFlood(arena.ports.dns, { perSecond: 100, count: 20 }, () =>
      question('wide.shop.svc.cluster.local', 'SRV', { edns: 1232 }),
    )
    await seconds(1)
  },
})

export const questionAttacks: readonly Attack[] = [
  {
    finding: 2,
    title: '10 questions that follow 12 layers of 10 Services, each with all of the next layer',
    objects: () => layers(10, 12),
    async run({ ports }) {
      await udpFlood(ports.dns, { perSecond: 50, count: 10 }, () => question('l0-0.shop.svc.cluster.local', 'A'))
      await seconds(4)
    },
  },
  {
    finding: 3,
    title: '16,800 questions for a Service of 2,000 names in a zone that does not answer, then it is deleted',
    objects: () => fan(2_000),
    async run(arena) {
      await askFan(arena, 16_800)
      await seconds(2)
      arena.api.delete('EndpointSlice', 'shop', 'fan-0')
      arena.api.delete('Service', 'shop', 'fan')
      await seconds(3)
    },
    // What was forwarded before the deletion may wait for its deadline; nobody's else does.
    spares: ['forwarded'],
  },
  {
    finding: 3,
    title: '40 questions for a Service of 10,000 names at the upstream',
    onlySlicedns: true,
    objects: () => [
      service('shop', 'many'),
      ...Array.from({ length: 10 }, (_, index) =>
        slice('shop', 'many', {
          index,
          addressType: 'FQDN',
          endpoints: Array.from({ length: 1_000 }, (__, i) => ({
            addresses: [`n${1_000 * index + i}.good.test`],
            conditions: { ready: true },
          })),
        }),
      ),
    ],
    async run({ ports, upstream }) {
      const before = await upstream.questions('good')
      await udpFlood(ports.dns, { perSecond: 100, count: 40 }, (i) =>
        question('many.shop.svc.cluster.local', 'A', { id: i }),
      )
      await seconds(4)
      const asked = (await upstream.questions('good')) - before
      // The judge's own are among them: five a second.
      assert.ok(asked < 40 * 64 + 100, `40 questions became ${asked} at the upstream`)
    },
  },
  endpointsTimesPorts(200, 10_000),
  endpointsTimesPorts(1_000, 15_000),
  {
    finding: 21,
    title: 'an endpoint with a host name of 64 octets among others',
    onlySlicedns: true,
    objects: () => [
      service('shop', 'odd'),
      slice('shop', 'odd', {
        endpoints: [
          { ...endpoint(1), hostname: 'a'.repeat(64) },
          { ...endpoint(2), hostname: 'b' },
        ],
      }),
    ],
    async run({ ports, server }) {
      const { rcode, answer } = await dig('odd.shop.svc.cluster.local', 'SRV', { port: ports.dns })
      assert.equal(rcode, 'NOERROR')
      assert.equal(answer.length, 1, answer.join('\n'))
      await until(async () => {
        const { body } = await server.http('metrics', '/metrics')
        assert.match(body, /^coredns_panics_total 0$/m)
      })
    },
  },
]
