/**
 * Annotations (lines `OBJECT KEY=VALUE`): the service is answered whatever they say, table and chain say the same, and each
 * problem is one short line.
 */
import assert from 'node:assert/strict'
import { DROP, MISS, transportCode } from '../../../src/answer/api.ts'
import { createResponder, LOCAL } from '../../../src/answer/index.ts'
import type { ClusterContext } from '../../../src/cluster-dns/context.ts'
import { resolve } from '../../../src/cluster-dns/records/answers.ts'
import { compileNode, zoneSpec } from '../../../src/cluster-dns/records/table-node.ts'
import { type as dnsType, typeName } from '../../../src/dns/codes.ts'
import { queryMessage } from '../../../src/dns/query.ts'
import { encodeMessage, parseMessage } from '../../../src/dns/wire.ts'
import { createAnnotationReport } from '../../../src/plugins/kubernetes/annotation-report/report.ts'
import { createAnnotationValidator } from '../../../src/plugins/kubernetes/annotation-report/validator.ts'
import { explain } from '../../../src/plugins/kubernetes/explain/explain.ts'
import { createTable } from '../../../src/table/index.ts'
import { createMetrics } from '../../../src/telemetry/registry.ts'
import { knowledgeOf } from '../../support/context.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { createFakeCluster } from '../../support/fake-cluster.ts'
import { ask, collectingLog } from '../../support/plugin-harness.ts'
import { dnsSettings } from '../../support/shared-cluster.ts'
import type { Target } from '../engine/target.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const zone = 'cluster.local.'
const settings = dnsSettings({ aliasZones: ['example.org.'], dnsSd: true })
const prefix = 'slicedns.io'

const seeds = [
  's ttl=60\nn ttl=5\ne srv-priority=3\ne srv-weight=7',
  's split=api=90,web=10\no ttl=9\no split=web=1',
  's hold=1500ms\ns endpoints=true\ns grpc-config={"loadBalancingConfig":[{"round_robin":{}}]}',
  's alias=a.example.org,b.c.example.org\ns txt.model=a b\\nc\ns txt.x=\no alias=a.example.org',
  's split=api.shop=50.5,web=49.5\ns nonsense=1\nn hold=0\ne ttl=3600\no endpoints=false',
]

export const target: Target = {
  seeds: seeds.map((text) => Buffer.from(text)),
  words: [
    '\ns ',
    '\nn ',
    '\ne ',
    '\no ',
    'ttl=',
    'srv-priority=',
    'srv-weight=',
    'hold=',
    'endpoints=',
    'split=',
    'grpc-config=',
    'alias=',
    'txt.',
    'api=50,web=50',
    'api.shop=',
    'example.org',
    '.example.org,',
    '*.',
    'cluster.local',
    '0.0001',
    '1e2',
    '100',
    '65535',
    '3600',
    '10s',
    '500ms',
    'true',
    '{"',
    '"}',
    '[]',
    '\\n',
    '\u202e',
    '\ud800',
    'ß',
    '__proto__',
    'constructor',
    '{"loadBalancingConfig":[{"pick_first":{}}]}',
    '{"methodConfig":[{"name":[{}],"timeout":"1s"}]}',
  ],
  maxOctets: 1200,
  maxSteps: (octets) => 3_000_000 + 5_000 * octets,
  check(input) {
    const objects = readObjects(decoder.decode(input))
    const context = clusterWith(objects)
    const lines = report(context)
    for (const line of lines) {
      assert.ok(line.length < 2_500, `${line.length} characters`)
      assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u)
    }
    assert.ok(lines.length <= 5 * 16 + 10, `${lines.length} lines`)
    const isSplit = [objects.s, objects.o].some((annotations) => `${prefix}/split` in annotations)
    for (const name of ['web', 'api']) checkAnswers(context, `${name}.shop.svc.${zone}`, isSplit)
    for (const line of explain(context, ask(`web.shop.svc.${zone} A`)))
      assert.doesNotMatch(line, /[\p{Cc}\p{Zl}\p{Zp}]/u)
  },
}

type Objects = Readonly<Record<'s' | 'n' | 'e' | 'o', Record<string, string>>>

function readObjects(text: string): Objects {
  const objects: Objects = { s: {}, n: {}, e: {}, o: {} }
  for (const line of text.split('\n')) {
    const [, object, group, word, value] = /^([sneo]) (txt\.)?([^=]*)=(.*)$/s.exec(line) ?? []
    if (object === undefined) continue
    const key = `${group ?? ''}${prefix}/${word}`
    // Its own property, whatever its name.
    Object.defineProperty(objects[object as keyof Objects], key, {
      value: value.replaceAll('\\n', '\n'),
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  return objects
}

function clusterWith({ s, n, e, o }: Objects): ClusterContext {
  const cluster = createFakeCluster({ clock: createFakeClock() })
  const ports = [{ name: 'http', port: 80 }]
  const service = (name: string, annotations: object) => ({
    kind: 'Service',
    metadata: { namespace: 'shop', name, annotations },
    spec: { clusterIP: 'None', clusterIPs: ['None'], publishNotReadyAddresses: true, ports },
  })
  const slice = (name: string, annotations: object, address: string) => ({
    kind: 'EndpointSlice',
    metadata: { namespace: 'shop', name: `${name}-a`, annotations, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports,
    endpoints: [{ addresses: [`${address}1`], hostname: `${name}-0` }, { addresses: [`${address}2`] }],
  })
  cluster.apply(
    { kind: 'Namespace', metadata: { name: 'shop', annotations: n } },
    service('web', s),
    service('api', o),
    slice('web', e, '10.0.0.'),
    slice('api', {}, '10.0.1.'),
  )
  return knowledgeOf(cluster.view, settings)
}

function report(context: ClusterContext): string[] {
  const lines: string[] = []
  const clock = createFakeClock()
  const reporter = createAnnotationReport({
    log: collectingLog(lines),
    metrics: createMetrics(),
    clock,
    events: undefined,
  })
  const examiner = createAnnotationValidator(context, reporter, (text) => assert.fail(text))
  examiner.service('shop', 'web')
  examiner.service('shop', 'api')
  examiner.namespace('shop')
  return lines
}

const table = createTable({ reserveBytes: 16 * 2 ** 20 })
const space = table.createSpace()
const served = table.defineProfile(space, {
  server: '',
  zone: '.',
  view: '',
  plugin: '',
  shuffle: false,
  maxPayload: 0,
})
const responder = createResponder(table.handle, LOCAL, { random: () => 0 })
const reply = new Uint8Array(70_000)

/** What the table answers is what the cluster's own answer is. */
function checkAnswers(context: ClusterContext, service: string, isSplit: boolean): void {
  table.zone(space, zoneSpec(context, zone, false))
  for (const [name, type] of [
    [service, dnsType.A],
    [service, dnsType.AAAA],
    [service, dnsType.SRV],
    [service, dnsType.TXT],
    [`_http._tcp.${service}`, dnsType.SRV],
  ] as const) {
    const wanted = resolve(context, zone, name, type)
    const node = compileNode(context, zone, name)
    if (node === undefined) {
      table.remove(space, name)
      assert.equal(wanted.kind, 'nxdomain')
      continue
    }
    table.put(space, served, name, node)
    const found = askTable(name, type)
    if (found === undefined) continue
    const what = `${name} ${typeName(type)}: ${wanted.kind}, not ${found.answer.length} records`
    if (wanted.kind === 'nodata') assert.equal(found.answer.length, 0, what)
    if (wanted.kind === 'addresses') {
      assert.deepEqual(
        found.answer.flatMap(({ rdata }) => [...rdata]),
        [...wanted.addresses],
        what,
      )
      for (const { ttl } of found.answer) assert.equal(ttl, wanted.ttl)
      assert.ok(wanted.ttl >= 0 && wanted.ttl <= 3600, `TTL ${wanted.ttl}`)
    }
    if (wanted.kind === 'services') assert.equal(found.answer.length, wanted.records.length, what)
    if (wanted.kind === 'records')
      assert.deepEqual(
        found.answer.map(({ rdata }) => [...rdata]),
        wanted.answer.map(({ rdata }) => [...rdata]),
        what,
      )
    assert.equal(found.rcode, wanted.kind === 'nxdomain' ? 3 : 0, what)
    if (type === dnsType.A && name === service && !isSplit) assert.equal(found.answer.length, 2, what)
  }
}

function askTable(name: string, type: number) {
  const request = encodeMessage(queryMessage(name, type, true), { limit: 512 })
  responder.startBatch(0)
  const length = responder.answer(request, 0, request.length, space, transportCode.stream, reply, 0)
  responder.offline()
  return length === MISS || length === DROP ? undefined : parseMessage(reply.slice(0, length))
}
