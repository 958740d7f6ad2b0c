/** Random objects of every kind that is watched. */
import { importedSlice, serviceImport } from './clusterset.ts'
import { type EndpointEntry, type KubernetesObject, type Port, pod, service, slice } from './objects.ts'
import type { Random } from './random-source.ts'

export const serviceLabel = 'kubernetes.io/service-name'

interface Where {
  readonly namespace: string
  readonly name: string
}

/** `data` and `temp` are left out by `namespaces`, and have a label for `namespace_labels` at times. */
const namespaceNames = ['apps', 'net', 'data', 'temp']
const services = 5
const portNames = ['http', 'dns', 'com', undefined]
const ingressAddresses = ['192.0.2.11', '192.0.2.12', '192.0.2.13', '2001:db8::12']

const somewhere = (random: Random): Where => ({
  namespace: random.pick(namespaceNames),
  name: randomServiceName(random),
})

export const randomServiceName = (random: Random): string => `s${random.below(services)}`

/** The addresses that a service of this name has, if it has any. */
export function addressesOf({
  namespace = '',
  name,
}: {
  readonly namespace?: string
  readonly name: string
}): string[] {
  const at = Number(name.slice(1)) + 1
  const place = namespaceNames.indexOf(namespace)
  return [`10.97.${place}.${at}`, `fd00:96::97${place}${at}`]
}

/** What a service with these addresses says of them. */
export function families(clusterIPs: readonly string[]) {
  return {
    clusterIP: clusterIPs[0]!,
    clusterIPs,
    ipFamilies: clusterIPs.map((ip) => (ip.includes(':') ? ('IPv6' as const) : ('IPv4' as const))),
    ipFamilyPolicy: clusterIPs.length > 1 ? 'RequireDualStack' : 'SingleStack',
  }
}

const tier = (random: Random): Record<string, string> => (random.chance(0.5) ? { tier: 'front' } : {})

function randomPorts(random: Random): Port[] {
  const ports = Array.from({ length: random.below(4) }, (_, at) => ({
    name: random.pick(portNames),
    port: 80 + random.below(3),
    protocol: random.pick(['TCP', 'TCP', 'UDP', 'SCTP']),
    at,
  }))
  // The API wants names where there are several ports, each name and each port once.
  const named = ports.length > 1 ? ports.map((port) => ({ ...port, name: port.name ?? `p${port.at}` })) : ports
  const unique = named.filter(
    (port, at) =>
      !named
        .slice(0, at)
        .some((one) => one.name === port.name || `${one.port}${one.protocol}` === `${port.port}${port.protocol}`),
  )
  return unique.map(({ name, port, protocol }) => ({ ...(name === undefined ? {} : { name }), port, protocol }))
}

export function randomService(random: Random, where: Where = somewhere(random)): KubernetesObject {
  const { namespace, name } = where
  const ports = randomPorts(random)
  const labels = tier(random)
  const externalIPs = random.chance(0.2) ? [random.pick(ingressAddresses)] : []
  const shape = random.below(5)
  if (shape === 0)
    return service(namespace, name, { type: 'ExternalName', externalName: externalName(random), ports, labels })
  if (shape < 3) {
    const publishNotReadyAddresses = random.chance(0.3)
    return service(namespace, name, { clusterIP: 'None', ports, labels, publishNotReadyAddresses, externalIPs })
  }
  const [four, six] = addressesOf(where) as [string, string]
  const type = random.pick(['ClusterIP', 'NodePort', 'LoadBalancer'])
  const object = service(namespace, name, {
    type,
    ...families(random.pick([[four], [six], [four, six], [six, four]])),
    ports: ports.length > 0 ? ports : [{ port: 80 }],
    labels,
    externalIPs,
  })
  return type === 'LoadBalancer' ? { ...object, status: { loadBalancer: { ingress: randomIngress(random) } } } : object
}

function randomIngress(random: Random): object[] {
  return Array.from({ length: random.below(3) }, () =>
    random.chance(0.7)
      ? { ip: random.pick(ingressAddresses) }
      : { hostname: random.pick(['www.example.org', 'nxdomain.example.org', 'alias.example.org']) },
  )
}

function externalName(random: Random): string {
  const inside = `${randomServiceName(random)}.${random.pick(namespaceNames)}.svc.cluster.local`
  return random.pick([inside, inside, 'www.example.org', 'nxdomain.example.org', 'many.example.org'])
}

export function randomSlice(random: Random): KubernetesObject {
  const { namespace, name } = somewhere(random)
  const family = random.pick(['IPv4', 'IPv4', 'IPv4', 'IPv6', 'FQDN'] as const)
  const ports = randomPorts(random).map((port) => ({ ...port, name: port.name ?? '' }))
  const addressOf = () => {
    if (family === 'FQDN') return random.pick(['vm.example.com', 'www.example.org', 'vm2.example.com'])
    return `${family === 'IPv4' ? '10.40.0.' : 'fd00:40::'}${1 + random.below(12)}`
  }
  return slice(namespace, `e${random.below(8)}`, name, family, ports, randomEndpoints(random, addressOf), tier(random))
}

function randomEndpoints(random: Random, addressOf: () => string): EndpointEntry[] {
  const state = () => random.pick([true, true, false, null])
  return Array.from({ length: random.pick([0, 1, 1, 2, 3, 5, 12]) }, () => entry(addressOf()))
  function entry(address: string): EndpointEntry {
    const zone = zoneOf(address)
    const options = {
      ready: state(),
      serving: state(),
      terminating: state(),
      ...(random.chance(0.3) ? { hostname: `h${random.below(3)}` } : {}),
      ...(random.chance(0.3) ? { pod: `p${random.below(4)}` } : {}),
      ...(zone === undefined ? {} : { zone }),
    }
    return [address, options]
  }
}

/** An address is in one place (docs/differences.md has what CoreDNS makes of others). */
const zoneOf = (address: string): string | undefined =>
  ['z0', 'z1', undefined][address.charCodeAt(address.length - 1) % 3]

export function randomPod(random: Random): KubernetesObject {
  return pod(random.pick(namespaceNames), `p${random.below(4)}`, `10.40.0.${1 + random.below(12)}`)
}

export function randomImport(random: Random): KubernetesObject {
  const { namespace, name } = somewhere(random)
  const at = Number(name.slice(1)) + 1
  const place = namespaceNames.indexOf(namespace)
  const [four, six] = [`10.100.${place}.${at}`, `fd00:100::${place}${at}`]
  const ips = random.pick([undefined, undefined, [four], [six], [four, six], []])
  const made = serviceImport(namespace, name, { ...(ips ? { ips } : {}), ports: randomPorts(random) })
  const labels = { ...(random.chance(0.7) ? { exposed: 'yes' } : {}), ...tier(random) }
  return { ...made, metadata: { ...made.metadata, labels } }
}

export function randomImportedSlice(random: Random): KubernetesObject {
  const { namespace, name } = somewhere(random)
  const family = random.pick(['IPv4', 'IPv4', 'IPv6'] as const)
  const addressOf = () => `${family === 'IPv4' ? '10.110.0.' : 'fd00:110::'}${1 + random.below(12)}`
  const ports = randomPorts(random).map((port) => ({ ...port, name: port.name ?? '' }))
  const cluster = random.pick(['east', 'west', 'North'])
  return importedSlice(namespace, name, cluster, family, ports, randomEndpoints(random, addressOf))
}
