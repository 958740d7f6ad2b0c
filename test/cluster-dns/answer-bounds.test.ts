/** No answer is computed beyond what a message of 64 KiB holds, whatever the objects of the cluster are. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { serviceProblems } from '../../src/cluster-dns/annotations/problems.ts'
import { lookupExternal } from '../../src/cluster-dns/external/external-lookup.ts'
import { externalRecords } from '../../src/cluster-dns/external/external-records.ts'
import { aliasNames } from '../../src/cluster-dns/features/alias/alias-nodes.ts'
import { type Answer, resolve } from '../../src/cluster-dns/records/answers.ts'
import { type Selected, selectVariant } from '../../src/cluster-dns/records/selection.ts'
import { compileNode, namesOfService } from '../../src/cluster-dns/records/table-node.ts'
import { zoneRecords } from '../../src/cluster-dns/records/zone-transfer.ts'
import { type as dnsType } from '../../src/dns/codes.ts'
import type { ResourceRecord } from '../../src/dns/message.ts'
import { nameToWire } from '../../src/dns/name.ts'
import { knowledgeOf } from '../support/context.ts'
import { createFakeCluster, type FakeCluster } from '../support/fake-cluster.ts'
import { dnsSettings } from '../support/shared-cluster.ts'

const zone = 'cluster.local.'
const settings = dnsSettings({ zones: [zone, '10.in-addr.arpa.'], aliasZones: ['apps.example.'], dnsSd: true })
const messageOctets = 65_535

const portsOf = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ name: `p${i}`, protocol: 'TCP', port: i + 1 }))

const addressOf = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`

interface Given {
  readonly ports?: number
  readonly endpoints?: number
  /** Of the first endpoint. */
  readonly firstAddress?: number
  readonly clusterIP?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly externalIPs?: readonly string[]
  readonly endpoint?: (i: number) => object
}

/** A headless service, unless it has a ClusterIP, with slices of 1,000 endpoints. */
function put(cluster: FakeCluster, name: string, given: Given): void {
  const { ports = 1, endpoints = 0, firstAddress = 0, clusterIP = 'None', annotations = {}, externalIPs = [] } = given
  const endpointAt = given.endpoint ?? ((i: number) => ({ addresses: [addressOf(firstAddress + i)] }))
  cluster.apply({
    kind: 'Service',
    metadata: { name, namespace: 'shop', annotations },
    spec: { clusterIP, ports: portsOf(ports), externalIPs },
  })
  for (let from = 0; from < endpoints; from += 1000) {
    cluster.apply({
      kind: 'EndpointSlice',
      metadata: { name: `${name}-${from}`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: portsOf(ports),
      endpoints: Array.from({ length: Math.min(1000, endpoints - from) }, (_, i) => endpointAt(from + i)),
    })
  }
}

function contextOf(services: Readonly<Record<string, Given>>) {
  const cluster = createFakeCluster({ availability: 'synced' })
  for (const [name, given] of Object.entries(services)) put(cluster, name, given)
  return knowledgeOf(cluster.view, settings)
}

const ask = (services: Readonly<Record<string, Given>>, name: string, type: number, within = zone): Answer =>
  resolve(contextOf(services), within, name, type)

/** Octets of the answer's records in a message, without the first one beyond its end. */
function octetsOf(answer: Selected): number {
  assert.ok(answer.kind === 'services' || answer.kind === 'records', answer.kind)
  const sizes =
    answer.kind === 'services'
      ? answer.records.map(({ target }) => 18 + nameToWire(answer.targets[target].name).length)
      : answer.answer.map(({ rdata }) => 12 + rdata.length)
  return sizes.slice(0, -1).reduce((sum, size) => sum + size, 0)
}

const big = `big.shop.svc.${zone}`
const split = (backends: number): Readonly<Record<string, string>> => ({
  'slicedns.io/split': Array.from({ length: backends }, (_, i) => `b${i}=${i + 1}`).join(),
})
const backends = (count: number, given: Given): Record<string, Given> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`b${i}`, { ...given, firstAddress: i * 1000 }]))

describe('an answer of SRV records is computed up to 64 KiB', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, Given>>, string])[] = [
    [
      'SRV records of 100 endpoints with 10,000 ports are computed up to 64 KiB',
      { big: { endpoints: 100, ports: 10_000 } },
      big,
    ],
    [
      'SRV records of 1,000 endpoints with 15,000 ports are computed up to 64 KiB',
      { big: { endpoints: 1000, ports: 15_000 } },
      big,
    ],
    ['SRV records of 65,000 endpoints are computed up to 64 KiB', { big: { endpoints: 65_000 } }, big],
    [
      'SRV records of a ClusterIP with 15,000 ports are computed up to 64 KiB',
      { big: { clusterIP: '10.96.0.9', ports: 15_000 } },
      big,
    ],
    [
      'SRV records of 100 endpoints with 10,000 ports at _endpoints are computed up to 64 KiB',
      {
        big: {
          clusterIP: '10.96.0.9',
          endpoints: 100,
          ports: 10_000,
          annotations: { 'slicedns.io/endpoints': 'true' },
        },
      },
      `_endpoints.${big}`,
    ],
  ]
  for (const [title, services, name] of cases) {
    it(`an answer of SRV records is computed up to 64 KiB: ${title}`, () => {
      const answer = ask(services, name, dnsType.SRV) as Selected
      assert.ok(octetsOf(answer) <= messageOctets)
      // What is left out would not have fit: such an answer is cut and marked TC.
      assert.ok(octetsOf(answer) > messageOctets - 100)
    })
  }

  it('SRV records of an external service with 64 addresses and 10,000 ports are computed up to 64 KiB', () => {
    const externalIPs = Array.from({ length: 64 }, (_, i) => `192.0.2.${i}`)
    const context = contextOf({ big: { clusterIP: '10.96.0.9', ports: 10_000, externalIPs } })
    const external = { zones: ['example.org.'], apex: 'dns', ttl: 5, headless: false }
    const result = lookupExternal(context, external, 'example.org.', 'big.shop.example.org.', dnsType.SRV)
    assert.ok(result.kind === 'groups')
    const { answer } = externalRecords(context, external, result.groups, 'big.shop.example.org.', dnsType.SRV)
    assert.ok(answer.length > 1000 && answer.length < 4000, String(answer.length))
  })

  it('addresses of an external service with 20,000 endpoints are computed up to 64 KiB', () => {
    const context = contextOf({ big: { endpoints: 20_000 } })
    const external = { zones: ['example.org.'], apex: 'dns', ttl: 5, headless: true }
    const result = lookupExternal(context, external, 'example.org.', 'big.shop.example.org.', dnsType.A)
    assert.ok(result.kind === 'groups')
    const { answer } = externalRecords(context, external, result.groups, 'big.shop.example.org.', dnsType.A)
    assert.equal(answer.length, Math.ceil(messageOctets / 16))
  })

  it('weights of SRV records count the records that are left out', () => {
    const answer = ask({ big: { endpoints: 10, ports: 10 } }, big, dnsType.SRV)
    assert.ok(answer.kind === 'services' && answer.records.every(({ weight }) => weight === 1))
    const whole = ask({ big: { endpoints: 5, ports: 2 } }, big, dnsType.SRV)
    assert.ok(whole.kind === 'services' && whole.records.every(({ weight }) => weight === 10))
  })
})

it('an address of 65,000 endpoints has as many PTR records as a message holds', () => {
  const endpoint = (i: number) => ({ addresses: ['10.0.0.1'], hostname: `host-${i}` })
  const answer = ask(
    { big: { endpoints: 65_000, endpoint } },
    '1.0.0.10.in-addr.arpa.',
    dnsType.PTR,
    '10.in-addr.arpa.',
  )
  assert.ok(octetsOf(answer as Selected) <= messageOctets)
})

it('an endpoint whose hostname has 64 octets is left out of SRV answers and transfers, the others are not', () => {
  const hostnames = ['a', 'b'.repeat(64), 'c']
  const endpoint = (i: number) => ({ addresses: [addressOf(i)], hostname: hostnames[i] })
  const context = contextOf({ big: { endpoints: 3, endpoint } })
  const answer = resolve(context, zone, big, dnsType.SRV)
  assert.ok(answer.kind === 'services')
  assert.deepEqual(
    answer.targets.map(({ name }) => name),
    [`a.${big}`, `c.${big}`],
  )
  assert.equal(answer.records.length, 2)
  assert.ok(compileNode(context, zone, big))
  const transferred = [...(zoneRecords(context, zone) as IterableIterator<ResourceRecord>)].map(({ name }) => name)
  assert.deepEqual(
    transferred.filter((name) => name.endsWith(`.${big}`) && !name.startsWith('_')),
    [`a.${big}`, `c.${big}`],
  )
})

describe('a split over 32 services of 1,000 endpoints', () => {
  const services = { big: { clusterIP: '10.96.0.9', annotations: split(32) }, ...backends(32, { endpoints: 1000 }) }
  const context = contextOf(services)
  const answer = resolve(context, zone, big, dnsType.SRV)

  it('a large split is answered in parts that a message holds, each with every backend in its share', () => {
    assert.ok(answer.kind === 'services-choice')
    for (const set of answer.sets) {
      const part = set.services()
      assert.ok(part.kind === 'services' && part.order === 'weighted')
      assert.ok(part.records.length < 2048)
      const weights = Array.from({ length: 32 }, () => 0)
      for (const { weight, target } of part.records)
        weights[Number(/\.b(\d+)\./.exec(part.targets[target].name)![1])] += weight
      const total = weights.reduce((sum, weight) => sum + weight, 0)
      for (const [i, weight] of weights.entries()) {
        const share = (i + 1) / 528
        assert.ok(Math.abs(weight / total - share) <= 0.01 * share + 1e-9, `b${i}: ${weight / total} is not ${share}`)
      }
    }
  })

  it('each endpoint of a large split is in one of its parts', () => {
    assert.ok(answer.kind === 'services-choice')
    const targets = answer.sets.flatMap((set) => {
      const part = set.services()
      return part.kind === 'services' ? part.targets.map(({ name }) => name) : []
    })
    assert.equal(new Set(targets).size, 32_000)
  })

  it('the SRV records of a large split are not stored in the table', () => {
    assert.equal(compileNode(context, zone, big)?.answers.get(dnsType.SRV)?.kind, 'chain')
  })

  it('a large split is transferred with all of its endpoints', () => {
    let count = 0
    for (const records = zoneRecords(context, zone); ; ) {
      const { done, value } = records.next()
      if (done) break
      if (value.name === big && value.type === dnsType.SRV) count++
    }
    assert.equal(count, 32_000)
  })
})

describe('a split over 32 services of 100 endpoints with 3,000 ports', () => {
  const annotations = split(32)
  const services = {
    big: { clusterIP: '10.96.0.9', ports: 3000, annotations },
    ...backends(32, { endpoints: 100, ports: 3000 }),
  }

  it('a split with thousands of ports is answered in parts of few ports', () => {
    const answer = ask(services, big, dnsType.SRV)
    assert.ok(answer.kind === 'services-choice' && answer.sets.length <= 256)
    for (const point of [0, 0.5, 0.999]) {
      const selected = selectVariant(answer, () => point)
      assert.ok(selected.kind === 'services' && selected.records.length > 0 && selected.records.length < 2048)
    }
  })
})

describe('the names that one Service has in the table are bounded', () => {
  const aliases = (count: number) => Array.from({ length: count }, (_, i) => `a${i}.apps.example`).join()

  it('256 ports of a Service have their names in the table', () => {
    const context = contextOf({ big: { clusterIP: '10.96.0.9', ports: 15_000 } })
    assert.equal(namesOfService(context, zone, context.view.service('shop', 'big')!).length, 257)
  })

  it('256 ports of a Service are listed as types of its namespace', () => {
    const context = contextOf({ big: { clusterIP: '10.96.0.9', ports: 15_000 } })
    assert.equal(context.browsing.listing(context, 'shop').types.length, 256)
  })

  it('512 names of the aliases of a Service are in the table, each alias among them', () => {
    const annotations = { 'slicedns.io/alias': aliases(64) }
    for (const clusterIP of ['10.96.0.9', 'None']) {
      const context = contextOf({ big: { clusterIP, ports: 15_000, annotations } })
      const service = context.view.service('shop', 'big')!
      const names = Array.from({ length: 64 }, (_, i) => [
        ...aliasNames(context, `a${i}.apps.example.`, service).keys(),
      ])
      assert.equal(names.flat().length, 512)
      for (const [i, of] of names.entries()) assert.equal(of[0], `a${i}.apps.example.`)
    }
  })

  it('aliases of more names are reported as advice, with the object and the rule', () => {
    const context = contextOf({ big: { ports: 500, annotations: { 'slicedns.io/alias': aliases(2) } } })
    const problems = serviceProblems(context, 'shop', 'big').map(({ kind, name, problem }) => [kind, name, problem])
    assert.deepEqual(problems, [
      [
        'Service',
        'big',
        {
          key: 'slicedns.io/alias',
          reason: 'advice',
          rule: 'in effect, but its aliases have 500 named ports each: of one Service 512 names of aliases are answered from the table, the others are slower',
        },
      ],
    ])
  })

  it('64 aliases of a Service with few ports are no problem', () => {
    const context = contextOf({ big: { ports: 3, annotations: { 'slicedns.io/alias': aliases(64) } } })
    assert.deepEqual(serviceProblems(context, 'shop', 'big'), [])
  })
})
