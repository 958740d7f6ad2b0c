/** Names that exist or nearly exist for a cluster's objects: its own, those of search paths, and what looks like them. */
import { parseAddress, reverseName } from '../../src/dns/address.ts'
import { parseName } from '../../src/dns/name.ts'
import { namesLikeThose } from './clusterset.ts'
import type { KubernetesObject } from './objects.ts'

/** Endpoints of one slice whose names are asked for. */
const endpointsOfSlice = 6

/** All names in `zone` that these objects suggest. Deterministic. */
export function interestingNames(objects: readonly KubernetesObject[], zone: string): string[] {
  const names = new Set<string>()
  const add = (left: string) => {
    const name = left === '' ? zone : `${left}.${zone}`
    if (isName(name)) names.add(name)
  }
  for (const left of namesOfZone(zone)) add(left)
  for (const object of objects) {
    for (const left of namesLikeThose(object)) add(left)
    if (object.kind === 'Namespace') for (const left of namesOfNamespace(object)) add(left)
    if (object.kind === 'Service') for (const left of namesOfService(object, zone)) add(left)
    if (object.kind === 'EndpointSlice') for (const left of namesOfSlice(object)) add(left)
    if (object.kind === 'Pod') for (const left of namesOfPod(object)) add(left)
  }
  return [...names]
}

function isName(text: string): boolean {
  try {
    parseName(text)
    return true
  } catch {
    return false
  }
}

function namesOfZone(zone: string): string[] {
  const inside = zone.slice(0, -1)
  const fill = (octets: number) => `${'x'.repeat(63)}.`.repeat(3) + 'y'.repeat(Math.max(1, octets - 192 - zone.length))
  return [
    '',
    'svc',
    'pod',
    'svc.svc',
    'pod.pod',
    'x.svc',
    'nosuch',
    'dns-version',
    'x.dns-version',
    'dns-version.svc',
    'apex.dns',
    'dns',
    'ns.dns',
    'x.ns.dns',
    'ns.dns.x',
    // What a search path makes of names that end in the zone already.
    `ns.dns.${inside}`,
    `ns.dns.${inside}.svc`,
    `ns.dns.${inside}.apps.svc`,
    `web.apps.svc.${inside}`,
    `web.apps.svc.${inside}.svc`,
    `web.apps.svc.${inside}.apps.svc`,
    inside,
    `svc.${inside}`,
    `dns-version.${inside}`,
    'www.example.com',
    'www.example.com.svc',
    'web.apps',
    'web.apps.svc.svc',
    'a.b.c.d.e.f',
    // Octets that no host name has.
    'w\\.eb.apps.svc',
    'web\\.apps.svc',
    'we\\032b.apps.svc',
    'web\\000.apps.svc',
    '\\195\\188.apps.svc',
    '\\255.svc',
    '_http\\._tcp.web.apps.svc',
    'a/b.apps.svc',
    '10-20-0-1\\..apps.pod',
    // As long as names can be, and a little shorter.
    fill(254),
    fill(253),
    fill(240),
    `${fill(246)}.svc`.replace(/^x{12}/, ''),
  ]
}

/** The label of a pod's address, in every spelling that might be taken for one. */
const podLabels = [
  '10-20-0-1',
  '10-20-0-4',
  '10-20-0-8',
  '10-20-0-9',
  '10-20-0',
  '10-20-0-1-1',
  '10--20-0-1',
  '010-20-0-1',
  '10-20-0-256',
  '-10-20-0-1',
  '10-20-0-1-',
  'fd00--1',
  'fd00-10-20--9',
  'fd00-10-20-0-0-0-0-9',
  'fd00-0010-0020--9',
  '--ffff-a14-1',
  '--ffff-10-20-0-1',
  '--1',
  '--',
  '1--',
  '1-2-3-4-5-6-7-8',
  '1-2-3-4-5-6-7-8-9',
  '12345--1',
  'fe80--1\\%eth0',
  'not-an-ip',
]

function namesOfNamespace({ metadata: { name } }: KubernetesObject): string[] {
  return [
    ...['svc', 'pod'].flatMap((sub) =>
      ['', 'nosuch.', 'www.example.com.', '*.', 'x.y.'].map((left) => `${left}${name}.${sub}`),
    ),
    ...podLabels.map((label) => `${label}.${name}.pod`),
    ...['x', 'x.y', 'x.y.z', '_http._tcp'].map((left) => `${left}.10-20-0-1.${name}.pod`),
    `any.${name}.svc`,
  ]
}

function namesOfService({ metadata: { name, namespace }, spec }: KubernetesObject, zone: string): string[] {
  const own = `${name}.${namespace}.svc`
  const { ports = [], clusterIP = '' } = spec as { ports?: { name?: string; protocol?: string }[]; clusterIP?: string }
  const left = ['x', 'x.y', 'x.y.z', '_x._y', '_', '_._', '__', '_tcp', '_http', 'tcp', '*', 'www.example.com']
  if (/[.:]/.test(clusterIP)) left.push(dashed(clusterIP))
  for (const port of ports) {
    const portName = port.name ?? ''
    const protocol = (port.protocol ?? 'TCP').toLowerCase()
    const other = protocol === 'tcp' ? 'udp' : 'tcp'
    left.push(
      `_${portName}._${protocol}`,
      `_${portName}._${other}`,
      `${portName || 'x'}.${protocol}`,
      `_${portName}._`,
      `_._${protocol}`,
      `__${portName}._${protocol}`,
      `_${portName}.${protocol}`,
      `_${portName}`,
      `x._${portName}._${protocol}`,
    )
  }
  return [own, `${name}.nosuchns.svc`, `${own}.${zone.slice(0, -1)}`, ...left.map((labels) => `${labels}.${own}`)]
}

function namesOfSlice({ metadata: { namespace, labels }, endpoints }: KubernetesObject): string[] {
  const own = `${(labels as Record<string, string>)['kubernetes.io/service-name'] ?? ''}.${namespace}.svc`
  const some = (endpoints as { addresses: string[]; hostname?: string; targetRef?: { name: string } }[]).slice(
    0,
    endpointsOfSlice,
  )
  return some
    .flatMap(({ addresses, hostname, targetRef }) => [
      ...addresses.map(dashed),
      ...(hostname === undefined ? [] : [hostname, `x.${hostname}`, `_http._tcp.${hostname}`]),
      ...(targetRef === undefined ? [] : [targetRef.name]),
    ])
    .flatMap((left) => (left.endsWith('-') ? [left, `${left}0`] : [left]))
    .map((left) => `${left}.${own}`)
}

function namesOfPod({ metadata: { namespace }, status }: KubernetesObject): string[] {
  return [`${dashed((status as { podIP: string }).podIP)}.${namespace}.pod`]
}

const dashed = (address: string) => address.replaceAll(/[.:]/g, '-')

/** Reverse names of every address in the objects, of some that no one has, and what else is below the reverse zones. */
export function reverseNames(objects: readonly KubernetesObject[]): string[] {
  const nobodys = ['10.96.255.254', '10.20.250.1', 'fd00::dead', '::ffff:10.96.1.1'].map(reverseOf)
  const six = reverseOf('fd00:96::23')
  const inZone = ['', 'svc.', 'pod.', 'apps.svc.', 'web.apps.svc.', 'ns.dns.', 'dns-version.', 'nosuch.']
  return [
    ...nobodys,
    ...reverseNamesOf(objects),
    ...['10.in-addr.arpa.', '96.10.in-addr.arpa.', '1.96.10.in-addr.arpa.', six.slice(2), six.slice(20)],
    ...['x.1.1.96.10.in-addr.arpa.', '01.1.96.10.in-addr.arpa.', '256.1.96.10.in-addr.arpa.'],
    // CoreDNS reads groups of four nibbles, and no further than it can.
    ...['x.', 'x.y.', 'x.y.z.', '0.0.0.0.', `${six.slice(0, 8)}`].map((left) => left + six),
    ...['in-addr.arpa.', 'ip6.arpa.'].flatMap((zone) => inZone.map((left) => left + zone)),
  ]
}

export function reverseNamesOf(objects: readonly KubernetesObject[]): string[] {
  const addresses = new Set<string>()
  for (const object of objects) {
    const spec = object.spec as { clusterIPs?: string[]; clusterIP?: string } | undefined
    for (const ip of [...(spec?.clusterIPs ?? []), spec?.clusterIP ?? '']) if (/[.:]/.test(ip)) addresses.add(ip)
    for (const endpoint of (object.endpoints as { addresses: string[] }[] | undefined)?.slice(0, endpointsOfSlice) ??
      [])
      for (const address of endpoint.addresses) if (/^[0-9a-f.:]+$/i.test(address)) addresses.add(address)
  }
  return [...addresses].map(reverseOf)
}

function reverseOf(address: string): string {
  return reverseName(parseAddress(address)!)
}
