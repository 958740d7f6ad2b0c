/** Questions for zones besides the cluster's own: k8s_external's, and the first steps of a pod's search (autopath). */
import { type as rrType } from '../../src/dns/codes.ts'
import { interestingNames } from './names.ts'
import type { KubernetesObject } from './objects.ts'
import { type Ask, ask } from './queries.ts'

const { A, AAAA, SRV, TXT, PTR, NS, SOA, CNAME, MX } = rrType

/** The names of every service below `example.net.`, and the reverse names of their external addresses. */
export function externalQuestions(objects: readonly KubernetesObject[]): Ask[] {
  const zone = 'example.net.'
  const names = interestingNames(objects, zone).map((name) => name.replace(/\bsvc\.example\.net\.$/, zone))
  const own = ['dns', 'ns1.dns', 'ns2.dns', 'x.ns1.dns', 'k8s', 'ns1.k8s', 'x.k8s'].map((left) => `${left}.${zone}`)
  const reverse = ['11', '12', '13', '15', '17', '18', '99', 'x.11'].map((host) => `${host}.2.0.192.in-addr.arpa.`)
  const six = `2.1.0.0${'.0'.repeat(20)}.8.b.d.0.1.0.0.2.ip6.arpa.`
  return [
    ...[...new Set([...names, ...own])].flatMap((name) =>
      [A, AAAA, SRV, TXT, PTR, NS, SOA, CNAME, MX].map((type) => ask(name, type)),
    ),
    ...[...reverse, six, '2.0.192.in-addr.arpa.'].flatMap((name) => [PTR, A, SOA, NS].map((type) => ask(name, type))),
    ...names.flatMap((name) => [ask(name, SRV, { over: 'tcp' }), ask(name.toUpperCase(), A)]),
  ]
}

/** What a pod of namespace `apps` asks first when it looks for these names. */
export function searchQuestions(objects: readonly KubernetesObject[]): Ask[] {
  const services = objects.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata)
  const names = [
    ...services.flatMap(({ name, namespace }) => [
      name,
      `${name}.${namespace}`,
      `${name}.${namespace}.svc`,
      `x.${name}.${namespace}`,
    ]),
    ...[
      'web.apps.svc.cluster.local',
      'www.example.org',
      'alias.example.org',
      'nodata.example.org',
      'nxdomain.example.org',
    ],
  ]
  return names.flatMap((name) =>
    [A, AAAA, SRV, TXT, CNAME, MX].map((type) => ask(`${name}.apps.svc.cluster.local.`, type)),
  )
}
