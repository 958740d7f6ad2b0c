/** The grammar of cluster names (docs/coredns-behaviour.md §4.2), right to left. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type ClusterName, type NameGrammar, parseClusterName } from '../../src/cluster-dns/names/cluster-name.ts'

const service = (fields: Partial<ClusterName & { kind: 'service' }>): ClusterName => ({
  kind: 'service',
  imported: false,
  namespace: 'ns',
  service: 'svc1',
  endpoint: '',
  cluster: '',
  port: '',
  protocol: '',
  topology: undefined,
  ...fields,
})
const nowhere: ClusterName = { kind: 'nowhere' }

const names: readonly [string, ClusterName][] = [
  ['', { kind: 'apex' }],
  ['svc', { kind: 'tree', tree: 'svc' }],
  ['pod', { kind: 'tree', tree: 'pod' }],
  ['dns-version', { kind: 'version' }],
  ['ns.dns', { kind: 'nameserver' }],
  ['dns', nowhere],
  ['a.dns', nowhere],
  ['x.ns.dns', nowhere],
  ['foo', nowhere],
  ['a.dns-version', nowhere],
  ['ns.svc', { kind: 'namespace', tree: 'svc', namespace: 'ns' }],
  ['ns.pod', { kind: 'namespace', tree: 'pod', namespace: 'ns' }],
  ['svc.svc', { kind: 'namespace', tree: 'svc', namespace: 'svc' }],
  ['svc1.ns.svc', service({})],
  ['ep.svc1.ns.svc', service({ endpoint: 'ep' })],
  ['_.svc1.ns.svc', service({ endpoint: '_' })],
  ['_http._tcp.svc1.ns.svc', service({ port: 'http', protocol: 'tcp' })],
  ['http.tcp.svc1.ns.svc', service({ port: 'http', protocol: 'tcp' })],
  ['__http._tcp.svc1.ns.svc', service({ port: '_http', protocol: 'tcp' })],
  ['_._tcp.svc1.ns.svc', service({ protocol: 'tcp' })],
  ['_._.svc1.ns.svc', service({})],
  ['a.b.c.svc1.ns.svc', nowhere],
  ['a\\.b.ns.svc', service({ service: 'a\\.b' })],
  ['1-2-3-4.ns.pod', { kind: 'pod', namespace: 'ns', label: '1-2-3-4' }],
  ['a.b.1-2-3-4.ns.pod', { kind: 'pod', namespace: 'ns', label: '1-2-3-4' }],
  ['a.b.c.1-2-3-4.ns.pod', nowhere],
]

describe('names in a zone', () => {
  for (const zone of ['cluster.local.', '.']) {
    for (const [left, place] of names) {
      const name = left === '' ? zone : zone === '.' ? `${left}.` : `${left}.${zone}`
      test(`${name} in ${zone}`, () => assert.deepEqual(parseClusterName(zone, name), place))
    }
  }
})

describe('names with zonal', () => {
  const zonal: NameGrammar = { zonal: true, multicluster: false, browsable: false }
  const cases: readonly [string, ClusterName][] = [
    ['a.pin._zone.svc1.ns.svc', service({ topology: { zone: 'a', mode: 'pin' } })],
    ['a.prefer._zone.svc1.ns.svc', service({ topology: { zone: 'a', mode: 'prefer' } })],
    ['a.b.c.pin._zone.svc1.ns.svc', service({ topology: { zone: 'a.b.c', mode: 'pin' } })],
    ['pin.pin._zone.svc1.ns.svc', service({ topology: { zone: 'pin', mode: 'pin' } })],
    ['pin._zone.svc1.ns.svc', service({ port: 'pin', protocol: 'zone' })],
    ['_zone.svc1.ns.svc', service({ endpoint: '_zone' })],
    ['a.pin.zone.svc1.ns.svc', nowhere],
    ['a.only._zone.svc1.ns.svc', nowhere],
    ['a.pin._zone.x.svc1.ns.svc', nowhere],
  ]
  for (const [left, place] of cases) {
    test(`the name ${left} is of kind ${place.kind} with the option zonal`, () =>
      assert.deepEqual(parseClusterName('cluster.local.', `${left}.cluster.local.`, zonal), place))
  }
  test('names of topology zones are not parsed without the option zonal', () => {
    assert.deepEqual(parseClusterName('cluster.local.', 'a.pin._zone.svc1.ns.svc.cluster.local.'), nowhere)
  })
})

describe('names in a multicluster zone', () => {
  const imported: NameGrammar = { zonal: false, multicluster: true, browsable: false }
  const ofImport = (fields: Partial<ClusterName & { kind: 'service' }>) => service({ imported: true, ...fields })
  const cases: readonly [string, ClusterName][] = [
    ['svc1.ns.svc', ofImport({})],
    ['ep.svc1.ns.svc', ofImport({ endpoint: 'ep' })],
    ['ep.east.svc1.ns.svc', ofImport({ endpoint: 'ep', cluster: 'east' })],
    ['http.tcp.svc1.ns.svc', ofImport({ endpoint: 'http', cluster: 'tcp' })],
    ['_http._tcp.svc1.ns.svc', ofImport({ port: 'http', protocol: 'tcp' })],
    ['_http.tcp.svc1.ns.svc', ofImport({ port: 'http', protocol: 'tcp' })],
    ['http._tcp.svc1.ns.svc', ofImport({ port: 'http', protocol: 'tcp' })],
    ['a.pin._zone.svc1.ns.svc', nowhere],
    ['x.10-0-0-1.ns.pod', { kind: 'pod', namespace: 'ns', label: '10-0-0-1' }],
  ]
  for (const [left, place] of cases) {
    test(`the name ${left} is of kind ${place.kind} in a multicluster zone`, () =>
      assert.deepEqual(parseClusterName('clusterset.local.', `${left}.clusterset.local.`, imported), place))
  }
})

describe('names in the reverse tree', () => {
  const address = (...octets: number[]): ClusterName => ({ kind: 'reverse', address: Uint8Array.from(octets) })
  const v6 = `${'0.'.repeat(31)}1.ip6.arpa.`
  const reverse: readonly [string, string, ClusterName][] = [
    ['in-addr.arpa.', '4.3.2.1.in-addr.arpa.', address(1, 2, 3, 4)],
    ['1.in-addr.arpa.', '4.3.2.1.in-addr.arpa.', address(1, 2, 3, 4)],
    ['.', '4.3.2.1.in-addr.arpa.', address(1, 2, 3, 4)],
    ['in-addr.arpa.', '3.2.1.in-addr.arpa.', nowhere],
    ['in-addr.arpa.', '5.4.3.2.1.in-addr.arpa.', nowhere],
    ['in-addr.arpa.', '400.3.2.1.in-addr.arpa.', nowhere],
    ['in-addr.arpa.', '04.3.2.1.in-addr.arpa.', nowhere],
    ['in-addr.arpa.', 'svc1.ns.svc.in-addr.arpa.', nowhere],
    ['in-addr.arpa.', 'svc.in-addr.arpa.', { kind: 'tree', tree: 'svc' }],
    ['ip6.arpa.', v6, address(16, ...new Array(15).fill(0))],
    ['ip6.arpa.', `a.b.c.${v6}`, address(16, ...new Array(15).fill(0))],
    ['ip6.arpa.', `a.b.c.d.${v6}`, nowhere],
    ['ip6.arpa.', v6.slice(2), nowhere],
    ['ip6.arpa.', `g${v6.slice(1)}`, nowhere],
  ]
  for (const [zone, name, place] of reverse) {
    test(`${name} in ${zone}`, () => assert.deepEqual(parseClusterName(zone, name), place))
  }
})
