/** Random objects in a few places, so that changes meet: drawn from a seed, the same ones for the same seed. */
import { type KubernetesObject, pod, service, slice } from './objects.ts'

export interface Random {
  /** An integer in [0, below). */
  below(limit: number): number
  pick<T>(items: readonly T[]): T
  chance(probability: number): boolean
}

/** Mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return { below, pick: (items) => items[below(items.length)]!, chance: (probability) => next() < probability }
}

/** `data` is left out by `namespaces`, and has no label for `namespace_labels`. */
const namespaces = ['apps', 'net', 'data']
const services = 5
const portNames = ['http', 'dns', 'com', undefined]

export const keyOf = ({ kind, metadata: { namespace = '', name } }: KubernetesObject): string =>
  `${kind} ${namespace}/${name}`

export function randomObject(random: Random): KubernetesObject {
  const kind = random.below(10)
  if (kind < 4) return randomService(random)
  return kind < 9 ? randomSlice(random) : randomPod(random)
}

function randomPorts(random: Random) {
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

function randomService(random: Random): KubernetesObject {
  const namespace = random.pick(namespaces)
  const at = random.below(services)
  const name = `s${at}`
  const ports = randomPorts(random)
  const address = `10.97.${namespaces.indexOf(namespace)}.${at + 1}`
  const labels = random.chance(0.5) ? { tier: 'front' } : {}
  switch (random.below(5)) {
    case 0:
      return service(namespace, name, { type: 'ExternalName', externalName: externalName(random), ports, labels })
    case 1:
    case 2:
      return service(namespace, name, {
        clusterIP: 'None',
        ports,
        labels,
        publishNotReadyAddresses: random.chance(0.3),
      })
    default: {
      const needed = ports.length > 0 ? ports : [{ port: 80 }]
      const six = `fd00:96::97${namespaces.indexOf(namespace)}${at + 1}`
      const families = random.pick([[address], [six], [address, six], [six, address]])
      return service(namespace, name, {
        type: random.pick(['ClusterIP', 'NodePort', 'LoadBalancer']),
        clusterIP: families[0]!,
        clusterIPs: families,
        ipFamilies: families.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4')),
        ipFamilyPolicy: families.length > 1 ? 'RequireDualStack' : 'SingleStack',
        ports: needed,
        labels,
      })
    }
  }
}

function externalName(random: Random): string {
  const inside = `s${random.below(services)}.${random.pick(namespaces)}.svc.cluster.local`
  return random.pick([inside, inside, 'www.example.org', 'nxdomain.example.org', 'many.example.org'])
}

function randomSlice(random: Random): KubernetesObject {
  const namespace = random.pick(namespaces)
  const target = `s${random.below(services)}`
  const family = random.pick(['IPv4', 'IPv4', 'IPv4', 'IPv6', 'FQDN'] as const)
  const addressOf = () => {
    if (family === 'FQDN') return random.pick(['vm.example.com', 'www.example.org', 'vm2.example.com'])
    return `${family === 'IPv4' ? '10.40.0.' : 'fd00:40::'}${1 + random.below(12)}`
  }
  const state = () => random.pick([true, true, false, null])
  const count = random.pick([0, 1, 1, 2, 3, 5, 12])
  return slice(
    namespace,
    `e${random.below(8)}`,
    target,
    family,
    randomPorts(random).map((port) => ({ ...port, name: port.name ?? '' })),
    Array.from({ length: count }, () => [
      addressOf(),
      {
        ready: state(),
        serving: state(),
        terminating: state(),
        ...(random.chance(0.3) ? { hostname: `h${random.below(3)}` } : {}),
        ...(random.chance(0.3) ? { pod: `p${random.below(4)}` } : {}),
        ...(random.chance(0.3) ? { zone: `z${random.below(2)}` } : {}),
      },
    ]),
    random.chance(0.5) ? { tier: 'front' } : {},
  )
}

function randomPod(random: Random): KubernetesObject {
  return pod(random.pick(namespaces), `p${random.below(4)}`, `10.40.0.${1 + random.below(12)}`)
}
