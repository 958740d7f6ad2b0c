/**
 * Annotations with every kind of nonsense: the service is answered as if that one were not there, whatever stands beside
 * it is in effect, and the report names object, key and rule on one short line.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { ClusterContext } from '../../../src/cluster-dns/context.ts'
import { resolve } from '../../../src/cluster-dns/records/answers.ts'
import { compileNode, zoneSpec } from '../../../src/cluster-dns/records/table-node.ts'
import { type as dnsType } from '../../../src/dns/codes.ts'
import { createAnnotationReport } from '../../../src/plugins/kubernetes/annotation-report/report.ts'
import { createAnnotationValidator } from '../../../src/plugins/kubernetes/annotation-report/validator.ts'
import { explain } from '../../../src/plugins/kubernetes/explain/explain.ts'
import { createTable } from '../../../src/table/index.ts'
import type { AddressesSpec, ServicesSpec } from '../../../src/table/spec.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { knowledgeOf } from '../../support/context.ts'
import { runs } from '../../support/effort.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask, collectingLog } from '../../support/plugin-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'

const zone = 'cluster.local.'
const settings = dnsSettings({ aliasZones: ['example.org.'], dnsSd: true })

interface Annotations {
  readonly service?: Readonly<Record<string, string>>
  readonly namespace?: Readonly<Record<string, string>>
  readonly slice?: Readonly<Record<string, string>>
}

function createClusterContext({ service, namespace, slice }: Annotations): ClusterContext {
  const cluster = createFakeCluster({ clock: createFakeClock() })
  const objects = [
    { kind: 'Namespace', metadata: { name: 'shop', annotations: namespace } },
    {
      kind: 'Service',
      metadata: { namespace: 'shop', name: 'web', annotations: service },
      spec: {
        clusterIP: 'None',
        clusterIPs: ['None'],
        publishNotReadyAddresses: true,
        ports: [{ name: 'http', port: 80 }],
      },
    },
    {
      kind: 'EndpointSlice',
      metadata: {
        namespace: 'shop',
        name: 'web-a',
        annotations: slice,
        labels: { 'kubernetes.io/service-name': 'web' },
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80 }],
      endpoints: [{ addresses: ['10.0.0.1'], hostname: 'web-0' }, { addresses: ['10.0.0.2'] }],
    },
  ]
  cluster.apply(...objects)
  return knowledgeOf(cluster.view, settings)
}

/** Lines of the log. */
function reported(context: ClusterContext): string[] {
  const lines: string[] = []
  const report = createAnnotationReport({
    log: collectingLog(lines),
    metrics: createMetrics(),
    clock: createFakeClock(),
    events: undefined,
  })
  const examiner = createAnnotationValidator(context, report, (text) => assert.fail(text))
  examiner.service('shop', 'web')
  examiner.namespace('shop')
  return lines
}

const table = createTable()
const space = table.createSpace()
const served = table.defineProfile(space, {
  server: '',
  zone: '.',
  view: '',
  plugin: '',
  shuffle: false,
  maxPayload: 0,
})

/** Whatever the annotations say, both addresses are told, and everything that is told can be stored. */
function addressesOf(context: ClusterContext): AddressesSpec {
  const name = `web.shop.svc.${zone}`
  table.zone(space, zoneSpec(context, zone, false))
  table.put(space, served, name, compileNode(context, zone, name)!)
  const answer = resolve(context, zone, name, dnsType.A)
  assert.equal(answer.kind, 'addresses')
  assert.deepEqual([...(answer as AddressesSpec).addresses], [10, 0, 0, 1, 10, 0, 0, 2])
  return answer as AddressesSpec
}

/** Keys, and the values among the nonsense that are right for them. */
const keys: Readonly<Record<string, RegExp>> = {
  ttl: /^\s*([0-9]{1,3}|[12][0-9]{3}|3[0-5][0-9]{2}|3600)\s*$/,
  'srv-priority': /^\s*0*[0-9]{1,4}\s*$/,
  'srv-weight': /^\s*0*[0-9]{1,4}\s*$/,
  hold: /^\s*(0|[0-9.]+m?s)\s*$/,
  endpoints: /^\s*(true|false)\s*$/,
  split: /^$|=/,
  'grpc-config': /^\s*\{/,
  alias: /./s,
  nonsense: /^.^/,
}

const fixed = [
  '',
  ' ',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '0x10',
  '١٢',
  '99999999999999999999999999',
  '3601',
  '65536',
  'NaN',
  'null',
  'true ',
  'TRUE',
  '=',
  'a=',
  '=1',
  'a=-1',
  'a=1,a=1',
  'web=1',
  'a=0',
  'a=1,,b=2',
  `${'a'.repeat(64)}=1`,
  '{',
  '[]',
  '{"loadBalancingConfig":3}',
  '..',
  'google.com',
  'kubernetes.default.svc.cluster.local',
  '10s',
  '-2s',
  '2',
  '\u0000\u0007\u001b[31m',
  'a\nb',
  '\u202e\u2066',
  '\ud800',
  '😀'.repeat(100),
  'x'.repeat(256 * 1024),
  '9'.repeat(256 * 1024),
  'a=1,'.repeat(64 * 1024),
  '['.repeat(256 * 1024),
  '{"a":'.repeat(50_000),
]

/** What the log may look like, whatever the annotation holds. */
function assertLine(line: string): void {
  assert.ok(line.length < 1_200, `${line.length} characters`)
  assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u)
}

describe('a service with an annotation that makes no sense', () => {
  for (const [word, right] of Object.entries(keys)) {
    const key = `slicedns.io/${word}`
    test(`a service with an invalid annotation is answered, and ${key} reported: on a Service`, () => {
      for (const value of fixed) {
        const context = createClusterContext({
          service: { [key]: value, ...(word === 'ttl' ? {} : { 'slicedns.io/ttl': '77' }) },
        })
        const lines = reported(context)
        for (const line of lines) assertLine(line)
        if (word === 'split' && right.test(value) && lines.length === 0) continue
        const { ttl } = addressesOf(context)
        if (word !== 'ttl') assert.equal(ttl, 77, 'what stands beside it is in effect')
        if (right.test(value)) continue
        const [line] = lines
        assert.equal(lines.length, 1, `${JSON.stringify(value.slice(0, 40))}: ${lines.join('\n')}`)
        assert.ok(line!.startsWith(`[WARNING] Service shop/web: annotation ${key} "`), line)
        assert.match(line!, / is ignored: .{10,}/)
        const said = explain(context, ask(`web.shop.svc.${zone} A`))
        assert.ok(said.includes(line!.replace('[WARNING] ', '')), said.join('\n'))
      }
    })
  }

  const others = [
    ['namespace', 'Namespace shop', ['ttl', 'srv-weight', 'nonsense']],
    ['slice', 'EndpointSlice shop/web-a', ['ttl', 'srv-weight', 'srv-priority', 'nonsense']],
  ] as const
  for (const [kind, object, words] of others) {
    for (const word of words)
      test(`a service with an invalid annotation is answered, and slicedns.io/${word} reported: on ${object}`, () => {
        const isKnown = kind === 'namespace' ? word === 'ttl' : word.startsWith('srv-')
        for (const value of fixed) {
          const context = createClusterContext({ [kind]: { [`slicedns.io/${word}`]: value } })
          addressesOf(context)
          const lines = reported(context)
          for (const line of lines) assertLine(line)
          if (isKnown && keys[word]!.test(value)) continue
          assert.equal(lines.length, 1, value.slice(0, 40))
          assert.ok(lines[0]!.startsWith(`[WARNING] ${object}: annotation slicedns.io/${word} "`), lines[0])
        }
      })
  }

  test('a service is answered whatever its metadata annotations say', () => {
    for (const value of fixed) {
      for (const word of ['model', '', 'a=b', 'größe', 'a\nb', 'x'.repeat(300)]) {
        const key = `txt.slicedns.io/${word}`
        const context = createClusterContext({ service: { [key]: value, 'slicedns.io/ttl': '77' } })
        assert.equal(addressesOf(context).ttl, 77)
        const told = resolve(context, zone, `web.shop.svc.${zone}`, dnsType.TXT).kind === 'records'
        const lines = reported(context)
        for (const line of lines) assertLine(line)
        assert.equal(lines.length, told ? 0 : 1, `${word}: ${lines.join('\n')}`)
      }
    }
  })

  test('a service is answered whatever its annotations say, with at most sixteen problems reported an object', () => {
    const key = fc.oneof(
      fc.constantFrom(...Object.keys(keys).map((word) => `slicedns.io/${word}`)),
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => `slicedns.io/${text}`),
      fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => `txt.slicedns.io/${text}`),
    )
    const value = fc.oneof(
      fc.constantFrom(...fixed.filter((text) => text.length < 1000)),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.integer().map(String),
      fc.json(),
    )
    // A split of nothing answers as a service without endpoints does: what a right annotation does is told elsewhere.
    const annotations = fc
      .dictionary(key, value, { maxKeys: 40 })
      .map(({ 'slicedns.io/split': _, ...others }) => others)
    fc.assert(
      fc.property(annotations, annotations, annotations, (service, namespace, slice) => {
        const context = createClusterContext({ service, namespace, slice })
        addressesOf(context)
        const srv = resolve(context, zone, `_http._tcp.web.shop.svc.${zone}`, dnsType.SRV) as ServicesSpec
        assert.equal(srv.records.length, 2)
        const lines = reported(context)
        lines.forEach(assertLine)
        assert.ok(lines.length <= 3 * 16 + 10)
      }),
      { numRuns: runs(200) },
    )
  })

  test('a service with thousands of problems does not keep them all', () => {
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`slicedns.io/key-${i}`, '']))
    assert.equal(reported(createClusterContext({ service: many, namespace: many, slice: many })).length, 48)
  })
})
