/**
 * The cluster that the faults are about: Services that come, change and go, in a test API server. It is the judge, too: what
 * the server may answer follows from what was true, and from since when the server may have heard of it.
 */

import type { Random } from '../conformance/random-source.ts'
import type { ApiServer } from '../support/api-server/index.ts'
import { createTimeline, type Timeline } from './timeline.ts'

export interface Model {
  /** Changes one Service, or its endpoints. */
  change(): void
  /** One change of each resource that answers follow: of a Service, and of a slice. Names are answered otherwise after each. */
  changeEach(): void
  /** A name of the cluster to ask for. */
  anyName(): string
  readonly names: readonly string[]
  /** Why an answer is wrong; undefined: it was true at a moment between the two times. `addresses`: [] is NXDOMAIN. */
  faultOf(name: string, addresses: readonly string[], from: number, to: number): string | undefined
  /** Milliseconds before `at` since the answer was true last; undefined: never, as far as is remembered. */
  ageOf(name: string, addresses: readonly string[], at: number): number | undefined
  /** The answer now. */
  present(name: string): readonly string[]
  /** The last event that the watches got of some slice, for tests that send it again. */
  lastSlice(): object | undefined
  forget(at: number): void
}

interface TestService {
  readonly name: string
  readonly headless: boolean
  /** The ClusterIP, or 'headless'; undefined: there is no such Service. */
  readonly object: Timeline<string | undefined>
  /** Ready addresses of each of its two slices, sorted and joined. */
  readonly slices: readonly [Timeline<string>, Timeline<string>]
}

const namespace = 'shop'
const zone = 'svc.cluster.local'
const slots = 6

export function createModel(api: ApiServer, random: Random, count: number, now: () => number): Model {
  api.put({ kind: 'Namespace', metadata: { name: namespace } })
  const services: TestService[] = Array.from({ length: count }, (_, i) => ({
    name: `s${i}`,
    headless: i % 3 !== 0,
    object: createTimeline<string | undefined>(undefined, now()),
    slices: [createTimeline('', now()), createTimeline('', now())],
  }))
  const byName = new Map(services.map((service) => [`${service.name}.${namespace}.${zone}`, service]))
  let issued = 0
  let lastSlice: object | undefined

  function create(service: TestService): void {
    issued++
    const ip = service.headless ? 'headless' : `10.96.${issued >> 8}.${issued & 255}`
    service.object.set(ip, now())
    const clusterIP = service.headless ? 'None' : ip
    const metadata = { namespace, name: service.name }
    api.put({
      kind: 'Service',
      metadata,
      spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
    })
  }

  function changeSlice(service: TestService, which: 0 | 1): void {
    const index = services.indexOf(service)
    const endpoints = Array.from({ length: slots }, (_, i) => ({
      addresses: [`10.${which + 1}.${index}.${i + 1}`],
      conditions: { ready: random.chance(0.5), serving: true, terminating: false },
    })).filter(() => random.chance(0.8))
    const ready = endpoints.filter(({ conditions }) => conditions.ready).map(({ addresses: [address] }) => address!)
    service.slices[which].set(ready.sort().join(' '), now())
    const metadata = {
      namespace,
      name: `${service.name}-${which}`,
      labels: { 'kubernetes.io/service-name': service.name },
    }
    const slice = {
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      endpoints,
    }
    api.put(slice)
    lastSlice = api.store.list('EndpointSlice').find((each) => each.metadata.name === metadata.name)
  }

  function remove(service: TestService): void {
    service.object.set(undefined, now())
    api.delete('Service', namespace, service.name)
  }

  for (const service of services) {
    create(service)
    changeSlice(service, 0)
    changeSlice(service, 1)
  }

  const present = ({ object, slices }: TestService): readonly string[] => {
    if (object.latest === undefined) return []
    return object.latest === 'headless' ? slices.flatMap(({ latest }) => split(latest)) : [object.latest]
  }

  return {
    names: [...byName.keys()],
    change() {
      const service = random.pick(services)
      if (service.object.latest === undefined) create(service)
      else if (random.chance(0.15)) remove(service)
      else changeSlice(service, random.chance(0.5) ? 0 : 1)
    },
    changeEach() {
      const withAddress = services.find(({ headless }) => !headless)!
      const headless = services.find(({ headless }) => headless)!
      create(withAddress)
      if (headless.object.latest === undefined) create(headless)
      const [slice] = headless.slices
      const before = slice.latest
      while (slice.latest === before) changeSlice(headless, 0)
    },
    anyName: () => random.pick([...byName.keys()]),
    faultOf(name, addresses, from, to) {
      const { object, slices } = byName.get(name)!
      const objects = object.within(from, to)
      if (addresses.length === 0) {
        const mayBeEmpty = slices.every((slice) => slice.within(from, to).includes(''))
        if (objects.includes(undefined) || (objects.includes('headless') && mayBeEmpty)) return undefined
        return `NXDOMAIN, though it was ${objects.join(' and ')} with ${slices.map(({ latest }) => latest || 'nothing').join(' | ')}`
      }
      if (addresses.length === 1 && objects.includes(addresses[0]!)) return undefined
      if (!objects.includes('headless')) return `${addresses.join(' ')}, though it was ${objects.join(' and ')}`
      for (const [which, slice] of slices.entries()) {
        const part = partOf(addresses, which)
        const known = slice.within(from, to)
        if (!known.includes(part))
          return `${part || 'nothing'} of slice ${which}, which had ${known.map((each) => each || 'nothing').join(' | ')}`
      }
      return undefined
    },
    ageOf(name, addresses, at) {
      const { object, slices } = byName.get(name)!
      if (addresses.length === 1 && object.ageOf(addresses[0], at) !== undefined) return object.ageOf(addresses[0], at)
      const parts = slices.map((slice, which) => slice.ageOf(partOf(addresses, which), at))
      const headless = [object.ageOf('headless', at), ...parts]
      const together = headless.includes(undefined) ? undefined : Math.max(...headless.map((age) => age ?? 0))
      const absent = addresses.length === 0 ? object.ageOf(undefined, at) : undefined
      const ages = [together, absent].filter((age) => age !== undefined)
      return ages.length === 0 ? undefined : Math.min(...ages)
    },
    present: (name) => present(byName.get(name)!),
    lastSlice: () => lastSlice,
    forget(at) {
      for (const { object, slices } of services) for (const timeline of [object, ...slices]) timeline.forget(at)
    },
  }
}

/** The addresses of one of the two slices, as its timeline has them. */
const partOf = (addresses: readonly string[], which: number): string =>
  addresses
    .filter((address) => address.startsWith(`10.${which + 1}.`))
    .sort()
    .join(' ')

const split = (addresses: string): string[] => (addresses === '' ? [] : addresses.split(' '))
