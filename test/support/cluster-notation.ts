/**
 * A cluster in a few words, one object or change a line, for the case language (cases.ts):
 *
 *     namespace NAME
 *     service NAME NAMESPACE headless|external TARGET|ADDRESS[,ADDRESS]  [ports [NAME:]PROTOCOL:PORT,… | ports none]
 *         [created YEAR]
 *     slice NAME SERVICE NAMESPACE IPv4|IPv6|FQDN  [ports …]
 *     endpoint SERVICE NAMESPACE ADDRESS ready|notReady|unknown  [hostname X] [pod X] [slice NAME] [zone Z]
 *         [serving|terminating] [cluster C]
 *     import NAME NAMESPACE headless|ADDRESS[,ADDRESS]  [ports …]
 *     pod NAME NAMESPACE ADDRESS
 *     remove service|slice|namespace|pod|import NAME [NAMESPACE]
 *     remove endpoint SERVICE NAMESPACE ADDRESS [slice NAME]
 *     annotate service|slice NAME NAMESPACE KEY [VALUE]     (the rest of the line is the value; none: removes it)
 *     annotate namespace NAME KEY [VALUE]
 *     forbidden|pending|synced|restored|listed RESOURCE
 *
 * A service has port http, TCP 80 unless the line says otherwise; a slice has its service's ports. An endpoint's slice
 * is made when it is not there: SERVICE-ipv4 or SERVICE-ipv6, SERVICE-ipv4-C for one that was imported from cluster C. A
 * line about what exists replaces it. A PORT of a slice may be `any`: it has no number.
 */

import type { Resource } from '../../src/k8s/model/types.ts'
import type { FakeCluster } from './fake-cluster.ts'

export interface ClusterNotation {
  /** Applies the lines one by one: each is an event of its own. Throws on a line that it does not understand. */
  apply(lines: string): void
}

interface Port {
  readonly name: string
  readonly protocol: string
  readonly port: number | null
}

interface Slice {
  readonly name: string
  readonly namespace: string
  readonly service: string
  /** Where it was imported from, or ''. */
  readonly cluster: string
  readonly addressType: string
  readonly ports: readonly Port[]
  readonly endpoints: Map<string, object>
}

const defaultPorts: readonly Port[] = [{ name: 'http', protocol: 'TCP', port: 80 }]

export function createNotation(cluster: FakeCluster): ClusterNotation {
  const ports = new Map<string, readonly Port[]>()
  const slices = new Map<string, Slice>()
  const specs = new Map<string, object>()
  const created = new Map<string, string>()
  /** By `KIND NAMESPACE/NAME`; kept when the object is replaced. */
  const annotations = new Map<string, Record<string, string>>()

  function push(slice: Slice): void {
    slices.set(`${slice.namespace}/${slice.name}`, slice)
    cluster.apply({
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        name: slice.name,
        namespace: slice.namespace,
        annotations: annotations.get(`slice ${slice.namespace}/${slice.name}`),
        labels: slice.cluster
          ? {
              'multicluster.kubernetes.io/service-name': slice.service,
              'multicluster.kubernetes.io/source-cluster': slice.cluster,
            }
          : { 'kubernetes.io/service-name': slice.service },
      },
      addressType: slice.addressType,
      ports: slice.ports,
      endpoints: [...slice.endpoints.values()],
    })
  }

  function service(words: Words): void {
    const [name, namespace, kind] = [words.next(), words.next(), words.next()]
    const spec =
      kind === 'headless'
        ? { clusterIP: 'None', clusterIPs: ['None'] }
        : kind === 'external'
          ? { type: 'ExternalName', externalName: words.next() }
          : { clusterIP: kind.split(',')[0], clusterIPs: kind.split(',') }
    const declared = words.option('ports')
    const list = declared === undefined ? defaultPorts : readPorts(declared)
    ports.set(`${namespace}/${name}`, list)
    const year = words.option('created')
    if (year !== undefined) created.set(`${namespace}/${name}`, `${year}-01-01T00:00:00Z`)
    words.end()
    specs.set(`${namespace}/${name}`, { ...spec, ports: list })
    pushService(name, namespace)
  }

  function pushService(name: string, namespace: string): void {
    const key = `${namespace}/${name}`
    const spec = specs.get(key)
    if (!spec) throw new Error(`no service ${key}`)
    const metadata = {
      name,
      namespace,
      annotations: annotations.get(`service ${key}`),
      creationTimestamp: created.get(key),
    }
    cluster.apply({ kind: 'Service', metadata, spec })
  }

  function annotate(words: Words): void {
    const kind = words.next()
    const name = words.next()
    const namespace = kind === 'namespace' ? '' : words.next()
    const owner = `${kind} ${namespace}/${name}`
    const [key, ...text] = words.rest()
    const { [key]: _, ...others } = annotations.get(owner) ?? {}
    annotations.set(owner, text.length > 0 ? { ...others, [key]: text.join(' ') } : others)
    if (kind === 'service') pushService(name, namespace)
    else if (kind === 'namespace') {
      cluster.apply({ kind: 'Namespace', metadata: { name, annotations: annotations.get(owner) } })
    } else {
      const slice = slices.get(`${namespace}/${name}`)
      if (!slice) throw new Error(`no slice ${namespace}/${name}`)
      push(slice)
    }
  }

  function serviceImport(words: Words): void {
    const [name, namespace, kind] = [words.next(), words.next(), words.next()]
    const type = kind === 'headless' ? { type: 'Headless' } : { type: 'ClusterSetIP', ips: kind.split(',') }
    const declared = words.option('ports')
    words.end()
    const list = declared === undefined ? defaultPorts : readPorts(declared)
    cluster.apply({ kind: 'ServiceImport', metadata: { name, namespace }, spec: { ...type, ports: list } })
  }

  function sliceOf(
    { service, namespace, name, cluster = '' }: Pick<Slice, 'service' | 'namespace' | 'name'> & { cluster?: string },
    addressType: string,
    declared?: string,
  ): Slice {
    const known = slices.get(`${namespace}/${name}`)
    const list = declared === undefined ? (known?.ports ?? ports.get(`${namespace}/${service}`)) : readPorts(declared)
    return {
      name,
      namespace,
      service,
      cluster,
      addressType: known?.addressType ?? addressType,
      ports: list ?? defaultPorts,
      endpoints: known?.endpoints ?? new Map(),
    }
  }

  function endpoint(words: Words): void {
    const [service, namespace, address, ready] = [words.next(), words.next(), words.next(), words.next()]
    const addressType = address.includes(':') ? 'IPv6' : /[a-z]/.test(address) ? 'FQDN' : 'IPv4'
    const from = words.option('cluster')
    const name =
      words.option('slice') ?? [service, addressType.toLowerCase(), ...(from ? [from.toLowerCase()] : [])].join('-')
    const slice = sliceOf({ service, namespace, name, cluster: from ?? '' }, addressType)
    const zone = words.option('zone')
    const pod = words.option('pod')
    const hostname = words.option('hostname')
    slice.endpoints.set(address, {
      addresses: [address],
      conditions: {
        ...(ready === 'unknown' ? {} : { ready: ready === 'ready' }),
        ...(words.flag('serving') ? { serving: true } : {}),
        ...(words.flag('terminating') ? { terminating: true } : {}),
      },
      ...(hostname === undefined ? {} : { hostname }),
      ...(zone === undefined ? {} : { zone }),
      ...(pod === undefined ? {} : { targetRef: { kind: 'Pod', name: pod, namespace } }),
    })
    words.end()
    push(slice)
  }

  function remove(words: Words): void {
    const kind = words.next()
    if (kind === 'endpoint') {
      const [service, namespace, address] = [words.next(), words.next(), words.next()]
      const name = words.option('slice') ?? `${service}-${address.includes(':') ? 'ipv6' : 'ipv4'}`
      const slice = slices.get(`${namespace}/${name}`)
      if (!slice?.endpoints.delete(address)) throw new Error(`no endpoint ${address} in slice ${name}`)
      push(slice)
      return
    }
    const [name, namespace = ''] = words.rest()
    const kinds = {
      service: 'Service',
      slice: 'EndpointSlice',
      namespace: 'Namespace',
      pod: 'Pod',
      import: 'ServiceImport',
    }
    if (kind === 'slice') slices.delete(`${namespace}/${name}`)
    cluster.remove(kinds[kind as keyof typeof kinds], namespace, name)
  }

  function line(text: string): void {
    const words = readWords(text)
    const verb = words.next()
    const known = verbs[verb]
    if (!known) throw new Error(`the cluster notation has no '${verb}': ${text}`)
    known(words)
  }

  const verbs: Readonly<Record<string, (words: Words) => void>> = {
    namespace: (words) => cluster.apply({ kind: 'Namespace', metadata: { name: words.next() } }),
    service,
    slice(words) {
      const [name, owner, namespace, addressType] = [words.next(), words.next(), words.next(), words.next()]
      push(sliceOf({ service: owner, namespace, name }, addressType, words.option('ports')))
    },
    endpoint,
    import: serviceImport,
    pod(words) {
      const [name, namespace, podIP] = words.rest()
      cluster.apply({ kind: 'Pod', metadata: { name, namespace }, status: { podIP, phase: 'Running' } })
    },
    annotate,
    remove,
    restored: (words) => cluster.restored(words.next() as Resource),
    listed: (words) => cluster.listed(words.next() as Resource),
    forbidden: (words) => cluster.setAvailability(words.next() as Resource, 'forbidden'),
    pending: (words) => cluster.setAvailability(words.next() as Resource, 'pending'),
    synced: (words) => cluster.setAvailability(words.next() as Resource, 'synced'),
  }

  return {
    apply(lines) {
      for (const text of lines.split('\n')) if (text.trim() !== '') line(text.trim())
    },
  }
}

interface Words {
  next(): string
  /** The word after `name`, wherever that stands. */
  option(name: string): string | undefined
  flag(name: string): boolean
  rest(): string[]
  /** Throws when words are left. */
  end(): void
}

function readWords(text: string): Words {
  const left = text.split(/\s+/)
  return {
    next() {
      const word = left.shift()
      if (word === undefined) throw new Error(`a word is missing: ${text}`)
      return word
    },
    option(name) {
      const at = left.indexOf(name)
      return at < 0 ? undefined : left.splice(at, 2)[1]
    },
    flag(name) {
      const at = left.indexOf(name)
      if (at >= 0) left.splice(at, 1)
      return at >= 0
    },
    rest: () => left.splice(0),
    end() {
      if (left.length > 0) throw new Error(`'${left.join(' ')}' is too much: ${text}`)
    },
  }
}

/** `http:TCP:80,UDP:53`: the name may be left out. */
function readPorts(text: string): Port[] {
  if (text === 'none') return []
  return text.split(',').map((word) => {
    const parts = word.split(':')
    const [name, protocol, port] = parts.length === 3 ? parts : ['', ...parts]
    return { name, protocol, port: port === 'any' ? null : Number(port) }
  })
}
