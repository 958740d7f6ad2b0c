/** Whatever happens to a cluster, in whatever order: the table answers what the chain would, or leaves it to the chain. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../../src/dns/message.ts'
import { recordText } from '../../../src/dns/rdata.ts'
import { runs } from '../../support/effort.ts'
import { createKubernetesHarness } from '../../support/kubernetes-harness.ts'

const namespaces = ['one', 'two']
const services = ['web', 'api', 'dns']
const addresses = ['10.3.0.1', '10.3.0.2', '172.0.0.1', '172.0.0.2', 'fd00::1']
const hostnames = ['', 'hostname pet', 'hostname tcp']

const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)
const service = fc.tuple(pick(services), pick(namespaces)).map((words) => words.join(' '))

const kinds = ['10.3.0.1', '10.3.0.2,fd00::1', 'headless']
const portLists = ['', 'ports none', 'ports TCP:80', 'ports http:TCP:80,dns:UDP:53']

const ownChange = fc.oneof(
  fc
    .tuple(
      service,
      pick([
        'headless',
        '10.3.0.1',
        '10.3.0.2,fd00::1',
        'external www.example.com',
        'external web.one.svc.cluster.local',
      ]),
      pick(portLists),
    )
    .map(([name, kind, ports]) => `service ${name} ${kind} ${ports}`),
  fc
    .tuple(service, pick(addresses), pick(['ready', 'ready', 'notReady']), pick(hostnames), pick(['', 'slice extra4']))
    .map(
      ([name, address, ready, hostname, slice]) =>
        `endpoint ${name} ${address} ${ready} ${hostname} ${address.includes(':') ? '' : slice && `${slice}-${name.split(' ')[0]}`}`,
    ),
  service.map((name) => `remove service ${name}`),
  fc.tuple(pick(services), pick(namespaces)).map(([name, namespace]) => `remove slice ${name}-ipv4 ${namespace}`),
  pick(namespaces).map((name) => `remove namespace ${name}`),
  pick(namespaces).map((name) => `namespace ${name}`),
  pick(['forbidden endpointslices', 'synced endpointslices']),
)

const addedChange = fc.oneof(
  fc.tuple(service, pick(kinds), pick(portLists)).map((words) => `import ${words.join(' ')}`),
  fc
    .tuple(service, pick(addresses), pick(['ready', 'notReady']), pick(hostnames), pick(['cluster east', 'zone z1']))
    .map((words) => `endpoint ${words.join(' ')}`),
  service.map((name) => `remove import ${name}`),
  fc.tuple(pick(services), pick(namespaces)).map(([name, namespace]) => `remove slice ${name}-ipv4-east ${namespace}`),
  pick(['forbidden', 'synced']).map((state) => `${state} serviceimports`),
  pick(['forbidden', 'synced']).map((state) => `${state} importedslices`),
)

/** Of metadata, lists of endpoints, aliases, browsing. */
const namedChange = fc.oneof(
  ownChange,
  fc
    .tuple(
      service,
      pick(kinds),
      pick(portLists),
      pick([
        'txt.slicedns.io/a 1',
        'txt.slicedns.io/a',
        'slicedns.io/grpc-config {}',
        'slicedns.io/grpc-config',
        'slicedns.io/endpoints true',
        'slicedns.io/endpoints',
        'slicedns.io/alias a.apps.example,b.cluster.local',
        'slicedns.io/alias b.cluster.local,c.in.cluster.local',
        'slicedns.io/alias',
      ]),
    )
    .map(
      ([name, kind, ports, annotation]) => `service ${name} ${kind} ${ports}\nannotate service ${name} ${annotation}`,
    ),
)

/** Of splits, and of endpoints that terminate. */
const splitChange = fc.oneof(
  ownChange,
  fc
    .tuple(service, pick(addresses), pick(['notReady serving terminating', 'notReady', 'ready']))
    .map((words) => `endpoint ${words.join(' ')}`),
  fc
    .tuple(
      service,
      pick([...kinds, 'external api.one.svc.cluster.local']),
      pick(portLists),
      pick([
        ' web=90,api=10',
        ' api.one=50,dns.two=50',
        ' web.two=100,dns=0',
        ' api=1',
        ' dns=0.1,web.one=99.9,api.two=1',
        ' nonsense',
        '',
      ]),
    )
    .map(
      ([name, kind, ports, split]) =>
        `service ${name} ${kind} ${ports}\nannotate service ${name} slicedns.io/split${split}`,
    ),
)
const allChanges = fc.oneof(splitChange, namedChange)

/** Of what says how long records may be kept, and which come first. */
const agedChange = fc.oneof(
  splitChange,
  fc
    .tuple(
      service,
      pick(kinds),
      pick([
        'slicedns.io/ttl 60',
        'slicedns.io/ttl x',
        'slicedns.io/ttl',
        'slicedns.io/srv-weight 0',
        'slicedns.io/srv-priority 3',
        'slicedns.io/srv-priority',
      ]),
    )
    .map(([name, kind, annotation]) => `service ${name} ${kind}\nannotate service ${name} ${annotation}`),
  fc
    .tuple(pick(namespaces), pick([' 40', ' 41', '']))
    .map(([name, ttl]) => `annotate namespace ${name} slicedns.io/ttl${ttl}`),
  fc.tuple(pick(services), pick(namespaces), pick(['ready', 'notReady']), pick([' 7', ''])).map(
    ([name, namespace, state, weight]) =>
      `endpoint ${name} ${namespace} 172.0.0.1 ${state}
         annotate slice ${name}-ipv4 ${namespace} slicedns.io/srv-weight${weight}`,
  ),
)

const labels = [
  '',
  '_http._tcp.',
  'http.tcp.',
  '_._.',
  '_dns._udp.',
  'pet.',
  '172-0-0-1.',
  'fd00--1.',
  'tcp.',
  'a.b.c.',
]
/** Of `zonal` and `multicluster`. */
const addedLabels = [
  '',
  'pet.',
  '_http._tcp.',
  'pet.east.',
  '172-0-0-1.east.',
  'x.east.',
  'z1.pin._zone.',
  'z2.prefer._zone.',
]

const ownNames = [
  ...namespaces.flatMap((namespace) => [
    `${namespace}.svc.cluster.local.`,
    `1-2-3-4.${namespace}.pod.cluster.local.`,
    ...services.flatMap((name) => labels.map((label) => `${label}${name}.${namespace}.svc.cluster.local.`)),
  ]),
  '1.0.3.10.in-addr.arpa.',
  '1.0.0.172.in-addr.arpa.',
  '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa.',
  'cluster.local.',
  'www.example.com.one.svc.cluster.local.',
]
const types = ['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'PTR', 'SOA', 'HTTPS']

/** `drawn`: the order of the records is. */
const printed = (message: Message, drawn: boolean): object => {
  const lines = (records: Message['answer']): string[] => {
    const texts = records.map(recordText)
    return drawn ? texts.sort() : texts
  }
  return {
    rcode: message.rcode,
    answer: lines(message.answer),
    authority: lines(message.authority),
    additional: lines(message.additional),
  }
}

const numRuns = runs(25)

const ownZones = 'cluster.local in-addr.arpa ip6.arpa'
const moreNames = ['cluster.local.', 'clusterset.local.'].flatMap((zone) =>
  namespaces.flatMap((namespace) =>
    services.flatMap((name) => addedLabels.map((label) => `${label}${name}.${namespace}.svc.${zone}`)),
  ),
)
const namedNames = [
  ...namespaces.flatMap((namespace) => [
    ...['', '_grpc_config.', '_endpoints.', '_http._tcp._endpoints.', '_http._tcp.', 'pet.'].flatMap((label) =>
      services.map((name) => `${label}${name}.${namespace}.svc.cluster.local.`),
    ),
    ...['_tcp', '_udp', '_http._tcp', '_dns._udp', 'web._http._tcp', 'dns._dns._udp', '_services._dns-sd._udp'].map(
      (label) => `${label}.${namespace}.svc.cluster.local.`,
    ),
  ]),
  ...['a.apps.example.', 'b.cluster.local.', 'c.in.cluster.local.'].flatMap((alias) =>
    ['', '_http._tcp.', '_grpc_config.', '_endpoints.', 'pet.'].map((label) => `${label}${alias}`),
  ),
  'in.cluster.local.',
  'apps.example.',
  'b._dns-sd._udp.cluster.local.',
]
const bothChanges = fc.oneof(ownChange, addedChange)

for (const { options, zones = ownZones, change = ownChange, names = ownNames, drawn = false, passing = 0 } of [
  { options: '' },
  { options: 'ignore empty_service' },
  { options: 'fallthrough\nnamespaces one' },
  { options: 'pods insecure\nendpoint_pod_names' },
  { options: 'zonal', change: bothChanges, names: moreNames },
  {
    options: 'dns_sd\nalias_zones apps.example cluster.local in.cluster.local',
    change: namedChange,
    names: namedNames,
  },
  {
    options: 'dns_sd\nalias_zones apps.example cluster.local in.cluster.local\nignore empty_service\nfallthrough',
    change: namedChange,
    names: namedNames,
  },
  { options: '', change: splitChange, drawn: true },
  { options: 'terminating last_resort\nignore empty_service\nnamespaces one', change: splitChange, drawn: true },
  {
    options: 'terminating last_resort\nalias_zones apps.example cluster.local\ndns_sd',
    change: allChanges,
    names: namedNames,
    drawn: true,
  },
  { options: 'ttl_headless 7\nadaptive_ttl 2 30 20s', change: agedChange, drawn: true, passing: 12_000 },
  {
    options: 'adaptive_ttl 2 4 20s\nignore empty_service\nterminating last_resort',
    change: agedChange,
    drawn: true,
    passing: 12_000,
  },
  {
    options: 'zonal\nmulticluster clusterset.local',
    zones: `clusterset.local ${ownZones}`,
    change: bothChanges,
    names: moreNames,
  },
  {
    options: 'multicluster clusterset.local\nignore empty_service\nendpoint_pod_names',
    zones: `clusterset.local ${ownZones}`,
    change: bothChanges,
    names: moreNames,
  },
]) {
  test(`the table answers as the chain with options: ${options.replaceAll('\n', ', ') || 'none'}${drawn ? ', and splits' : ''}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 5 }), async (rounds) => {
        const cluster = createKubernetesHarness({ options, zones })
        cluster.drawAt(0.6)
        for (const lines of rounds) {
          cluster.apply(lines.join('\n'))
          await cluster.settled()
          // The first round of questions makes names the table's; the second finds them there.
          for (let round = 0; round < 2; round++) {
            for (const name of names) {
              for (const type of types) {
                const table = cluster.askTable(name, type)
                const chain = await cluster.askChain(name, type, {})
                if (table === undefined) continue
                assert.notEqual(chain, 'next', `${name} ${type} falls through`)
                assert.deepEqual(printed(table, drawn), printed(chain as Message, drawn), `${name} ${type}`)
              }
            }
            cluster.pass(passing)
            await cluster.settled()
          }
        }
      }),
      { numRuns },
    )
  })
}
