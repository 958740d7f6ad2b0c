/** How the directive is written (docs/coredns-behaviour.md §4.1 and §10). */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseCorefile } from '../../../src/corefile/parser.ts'
import { readSettings } from '../../../src/corefile/read.ts'
import { type KubernetesSettings, schema } from '../../../src/plugins/kubernetes/settings.ts'

const noSources = { readFile: () => '', glob: () => [], env: () => undefined }

function read(body: string, zones = 'cluster.local'): KubernetesSettings {
  const block = body === '' ? '' : ` {\n${body}\n}`
  const { blocks } = parseCorefile(`. {\nkubernetes ${zones}${block}\n}\n`, 'Corefile', noSources)
  return readSettings(schema, blocks[0].directives, ['.'])
}

const accepted: readonly [string, (settings: KubernetesSettings) => unknown, unknown][] = [
  ['', (s) => s.dns.ttl, 5],
  ['', (s) => s.dns.pods, 'disabled'],
  ['', (s) => s.source, { kind: 'in-cluster' }],
  ['', (s) => s.cluster.endpointSlices, true],
  ['', (s) => s.cluster.pods, false],
  ['', (s) => s.startupTimeout, 5000],
  ['ttl 0', (s) => s.dns.ttl, 0],
  ['ttl 3600', (s) => s.dns.ttl, 3600],
  ['ttl 30 60', (s) => s.dns.ttl, 30],
  ['pods verified', (s) => s.cluster.pods, true],
  ['noendpoints', (s) => s.cluster.endpointSlices, false],
  ['endpoint_pod_names', (s) => s.cluster.podNames, true],
  ['ignore empty_service', (s) => s.dns.ignoreEmptyServices, true],
  ['ignore empty_service and more', (s) => s.dns.ignoreEmptyServices, true],
  ['ignore', (s) => s.dns.ignoreEmptyServices, false],
  ['namespaces a b\nnamespaces c', (s) => [...(s.dns.namespaces ?? [])], ['a', 'b', 'c']],
  ['labels a=b, c in (d, e),f', (s) => s.cluster.labels, 'a=b, c in (d, e),f'],
  ['namespace_labels !a', (s) => s.cluster.namespaceLabels, '!a'],
  ['zonal', (s) => [s.dns.zonal, s.cluster.zones], [true, true]],
  ['', (s) => [s.dns.zonal, s.cluster.zones], [false, false]],
  ['multicluster', (s) => [s.dns.multicluster, s.cluster.serviceImports], [[], false]],
  ['multicluster Cluster.Local', (s) => [s.dns.multicluster, s.cluster.serviceImports], [['cluster.local.'], true]],
  ['fallthrough', (s) => s.dns.fallthrough, ['.']],
  ['fallthrough in-addr.arpa 10.0.0.0/8', (s) => s.dns.fallthrough, ['in-addr.arpa.', '10.in-addr.arpa.']],
  ['endpoint http://localhost:8080 http://other', (s) => s.source, { kind: 'endpoint', url: 'http://localhost:8080' }],
  [
    'endpoint https://api\ntls cert key ca',
    (s) => s.source,
    { kind: 'endpoint', url: 'https://api', tls: { cert: 'cert', key: 'key', ca: 'ca' } },
  ],
  ['kubeconfig file', (s) => s.source, { kind: 'kubeconfig', file: 'file', context: '' }],
  ['kubeconfig file context', (s) => s.source, { kind: 'kubeconfig', file: 'file', context: 'context' }],
  ['endpoint http://api\nkubeconfig file', (s) => s.source, { kind: 'kubeconfig', file: 'file', context: '' }],
  [
    'snapshot /var/lib/slicedns/snapshot',
    (s) => s.snapshot,
    { file: '/var/lib/slicedns/snapshot', maxAge: 86_400_000 },
  ],
  ['snapshot state 90m', (s) => s.snapshot, { file: 'state', maxAge: 5_400_000 }],
  ['', (s) => s.snapshot, undefined],
  ['', (s) => s.proveEvery, 300_000],
  ['verify 1m', (s) => s.proveEvery, 60_000],
  ['verify off', (s) => s.proveEvery, undefined],
  ['manifests examples', (s) => s.source, { kind: 'manifests', directory: 'examples' }],
  ['startup_timeout 1m30s 2s', (s) => s.startupTimeout, 90_000],
  ['', (s) => [s.dns.ttlHeadless, s.dns.adaptiveTtl, s.events], [undefined, undefined, false]],
  ['ttl_headless 0', (s) => s.dns.ttlHeadless, 0],
  ['ttl_headless 3600', (s) => s.dns.ttlHeadless, 3600],
  ['adaptive_ttl 2 30', (s) => s.dns.adaptiveTtl, { min: 2, max: 30, settle: 60_000 }],
  ['adaptive_ttl 0 3600 24h', (s) => s.dns.adaptiveTtl, { min: 0, max: 3600, settle: 86_400_000 }],
  ['adaptive_ttl 5 5 1ms', (s) => s.dns.adaptiveTtl, { min: 5, max: 5, settle: 1 }],
  ['', (s) => [s.annotationPrefix, ownPrefixes(s)], ['slicedns.io', ['slicedns.io/', 'txt.slicedns.io/']]],
  [
    'annotations dns.example',
    (s) => [s.annotationPrefix, ownPrefixes(s)],
    ['dns.example', ['dns.example/', 'txt.dns.example/']],
  ],
  ['annotations off', (s) => [s.annotationPrefix, ownPrefixes(s)], [undefined, []]],
  ['events', (s) => s.events, true],
  ['apiserver_qps 50.5\napiserver_burst 100\napiserver_max_inflight 3', (s) => s.dns.ttl, 5],
]

function ownPrefixes({ cluster }: KubernetesSettings): readonly string[] {
  return cluster.annotationPrefixes.filter((prefix) => !prefix.startsWith('endpoints.kubernetes.io/'))
}

describe('options that are accepted', () => {
  for (const [body, get, wanted] of accepted) {
    test(`${body.replaceAll('\n', ' ⏎ ') || 'none'}: ${JSON.stringify(wanted)}`, () => {
      assert.deepEqual(get(read(body)), wanted)
    })
  }
})

const refused: readonly [string, RegExp][] = [
  ['snapshot', /Corefile:3:1 .*'snapshot': it takes 1 to 2 arguments, not 0/],
  ['verify', /Corefile:3:1 .*'verify'/],
  ['verify 29s', /Corefile:3:8 - '29s' is not a duration .* from 30s to 24h/],
  ['verify on', /Corefile:3:8 - 'on' is not a duration/],
  ['snapshot a 1h b', /Corefile:3:.*'snapshot'/],
  ['snapshot ""', /Corefile:3:10 - '' is not a file name/],
  ['snapshot a 24', /Corefile:3:12 - '24' is not a duration/],
  ['snapshot a 0s', /Corefile:3:12 - '0s' is not a duration .* from 1s to 720h/],
  ['snapshot a 721h', /Corefile:3:12 - '721h' is not a duration .* from 1s to 720h/],
  ['manifests examples\nsnapshot a', /Corefile:4:1 - snapshot requires an API server/],
  ['ttl', /Corefile:3:1 .*'ttl'.* takes at least 1 argument/],
  ['ttl 3601', /Corefile:3:5 - '3601' is not an integer from 0 to 3600/],
  ['ttl -1', /Corefile:3:5 - '-1'/],
  ['ttl 5s', /Corefile:3:5 - '5s'/],
  ['ttl_headless', /Corefile:3:1 .*'ttl_headless'/],
  ['ttl_headless 3601', /Corefile:3:14 - '3601' is not an integer from 0 to 3600/],
  ['ttl_headless 5 6', /'ttl_headless'/],
  ['ttl_headless 5s', /Corefile:3:14 - '5s'/],
  ['adaptive_ttl', /Corefile:3:1 .*'adaptive_ttl'/],
  ['adaptive_ttl 5', /Corefile:3:1 .*'adaptive_ttl'/],
  ['adaptive_ttl 5 30 60s x', /'adaptive_ttl'/],
  ['adaptive_ttl 30 5', /Corefile:3:14 - adaptive_ttl: MIN \(30\) must not exceed MAX \(5\)/],
  ['adaptive_ttl -1 5', /Corefile:3:14 - '-1'/],
  ['adaptive_ttl 5 3601', /Corefile:3:16 - '3601' is not an integer from 0 to 3600/],
  ['adaptive_ttl 5 30 60', /Corefile:3:19 - '60' is not a duration/],
  ['adaptive_ttl 5 30 0s', /Corefile:3:19 - '0s'/],
  ['adaptive_ttl 5 30 25h', /Corefile:3:19 - '25h'/],
  ['annotations', /'annotations'/],
  ['annotations Slicedns.io', /Corefile:3:13 - invalid annotation prefix 'Slicedns.io': must be a DNS subdomain/],
  ['annotations slicedns.io/', /invalid annotation prefix/],
  ['events on', /'events'/],
  ['annotations off\nevents', /Corefile:4:1 - events requires annotations, but annotations is off/],
  ['pods', /'pods'/],
  ['pods insecure x', /'pods'/],
  ['pods Insecure', /'Insecure' is not one of 'disabled', 'insecure', 'verified'/],
  ['endpoint_pod_names yes', /'endpoint_pod_names'/],
  ['noendpoints x', /'noendpoints'/],
  ['ignore everything', /'everything' is not 'empty_service', which 'ignore' requires/],
  ['namespaces', /'namespaces'/],
  ['namespaces a\nnamespace_labels b', /Corefile:4:1 - namespaces and namespace_labels cannot both be set/],
  ['labels a!=b', /'a!=b' is not a label selector: the operator '!='/],
  ['labels a>1', /the operator '>'/],
  ['labels a in b', /'a in b' is not a label selector/],
  ['labels -a=b', /'-a' is not a label name/],
  ['zonal yes', /Corefile:3:7 - .*'zonal': it takes no arguments/],
  ['noendpoints\nzonal', /Corefile:4:1 - zonal requires EndpointSlices, but noendpoints is set/],
  [
    'multicluster clusterset.local',
    /Corefile:3:1 - multicluster zone clusterset.local. must be one of the plugin's zones/,
  ],
  ['multicluster svc.cluster.local', /multicluster zone svc.cluster.local. must be one/],
  ['tls cert key', /'tls'.*it takes 3 arguments, not 2/],
  ['kubeconfig', /'kubeconfig'/],
  ['kubeconfig a b c', /'kubeconfig'/],
  ['startup_timeout 5', /'5' is not a duration/],
  ['startup_timeout 0s', /'0s'/],
  ['apiserver_qps -1', /'-1' is not a number of at least 0/],
  ['upstream 1.1.1.1', /Corefile:3:1 - unknown property 'upstream' of kubernetes/],
  ['transfer to *', /unknown property 'transfer'/],
  ['namespace x', /unknown property 'namespace' of kubernetes.*did you mean 'namespaces'/],
  ['manifests a\nkubeconfig b', /Corefile:4:1 - manifests replaces the API server/],
]

describe('options that are refused, and where', () => {
  for (const [body, wanted] of refused) {
    test(body.replaceAll('\n', ' ⏎ '), () => assert.throws(() => read(body), wanted))
  }
})

describe('zones', () => {
  const zones = (words: string): unknown => {
    const { dns } = read('', words)
    return { zones: dns.zones, primary: dns.primaryZone }
  }
  test('zones are lower case and absolute; networks become reverse zones', () => {
    assert.deepEqual(zones('Cluster.Local 10.0.0.0/24'), {
      zones: ['cluster.local.', '0.0.10.in-addr.arpa.'],
      primary: 'cluster.local.',
    })
  })
  test("zones are the server block's where none are given", () => {
    assert.deepEqual(zones(''), { zones: ['.'], primary: '.' })
  })
  test('the first zone that is not a reverse zone is what PTR records point into', () => {
    assert.deepEqual(zones('10.0.0.0/8 b a'), { zones: ['10.in-addr.arpa.', 'b.', 'a.'], primary: 'b.' })
  })
  test('a bare in-addr.arpa alone is accepted, as by CoreDNS', () => {
    assert.deepEqual(zones('in-addr.arpa'), { zones: ['in-addr.arpa.'], primary: 'in-addr.arpa.' })
  })
  test('other reverse zones alone are refused', () => {
    assert.throws(() => zones('10.0.0.0/8'), /non-reverse zone name must be used/)
  })
  test('the directive kubernetes twice in one block is refused', () => {
    const { blocks } = parseCorefile('. {\nkubernetes a\nkubernetes b\n}\n', 'Corefile', noSources)
    assert.throws(() => readSettings(schema, blocks[0].directives, ['.']), /can only be used once/)
  })
})
