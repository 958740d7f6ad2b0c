/** Which names of the table belong to which object, and what becomes of them when it changes. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { isGrpcConfig } from '../../../cluster-dns/features/grpc-config/config-name.ts'
import { splitOf } from '../../../cluster-dns/features/split/split-backends.ts'
import { endpointsTtl, importTtl, serviceTtl } from '../../../cluster-dns/features/ttl/ttl.ts'
import { type EndpointSelection, selectEndpoints } from '../../../cluster-dns/lookup/endpoint-selection.ts'
import { clusterIPOwner } from '../../../cluster-dns/lookup/lookup.ts'
import {
  absoluteName,
  type ClusterName,
  grammarOf,
  isServiceItself,
  namespaceName,
  parseClusterName,
} from '../../../cluster-dns/names/cluster-name.ts'
import { compileNode, fixedNames, isHeadlessName, namesOfService } from '../../../cluster-dns/records/table-node.ts'
import { isMulticluster, isReverseZone, zoneOf } from '../../../cluster-dns/settings.ts'
import { parseAddress, reverseName } from '../../../dns/address.ts'
import { type as dnsType } from '../../../dns/codes.ts'
import type { Service, ServiceImport } from '../../../k8s/model/types.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import { errorStack } from '../../../telemetry/error-text.ts'
import { createAliasNames } from './alias-names.ts'
import { createOnDemandNames, type ServiceName, serviceKey, serviceNameOf } from './on-demand-names.ts'
import type { NameSink } from './sinks.ts'

export interface ServiceNames {
  /** Names that are there whatever the cluster holds. */
  compileFixed(zone: string): void
  /**
   * `whole`: also where nothing but the service's slices may have changed. Returns services that an alias has come to or
   * gone from by that: what is to be reported of them may have changed.
   */
  compileService(service: ServiceName, whole: boolean): readonly ServiceName[]
  /** One name that is compiled ahead; a name that is not there is removed. */
  compileName(zone: string, name: string): void
  /** Zones of aliases only. */
  compileAliasZones(): void
  compileNamespace(namespace: string): void
  /** One name that was compiled on first use. */
  compileAdmitted(name: string): void
  usedNames(): Iterable<string>
  /** Names in use that depend on which namespaces exist, besides those of the namespaces' services. */
  usedAcrossNamespaces(): readonly string[]
  isUsed(name: string): boolean
  /**
   * Makes a name that the chain has answered one of the table's, if it is of those that are compiled on first use.
   * Returns the services whose names had to make room: they need compiling as a whole.
   */
  use(zone: string, name: string, type: number): { readonly used: boolean; readonly displaced: readonly ServiceName[] }
}

export interface ServiceNamesOptions {
  /** Hears of what should not happen: a name that cannot be compiled is left to the chain. */
  readonly report: (text: string) => void
  /** Takes names in use that are to be compiled (`compileAdmitted`) when there is time: a service may have thousands. */
  readonly later: (name: string) => void
}

export function createServiceNames(
  context: ClusterContext,
  sink: NameSink,
  { report, later }: ServiceNamesOptions,
): ServiceNames {
  const { view, settings } = context
  const forwardZones = settings.zones.filter((zone) => !isReverseZone(zone))
  const firstUse = createOnDemandNames(settings.endpointPodNames, ({ imported, namespace, name }) =>
    imported ? view.importedSlices(namespace, name) : view.slices(namespace, name),
  )
  const aliasNames = createAliasNames(context, sink)
  /** What each service's names were last compiled from. */
  const compiled = new Map<string, Compiled>()

  const placeIn = (zone: string, name: string): ClusterName => parseClusterName(zone, name, grammarOf(settings, zone))

  function publish(zone: string, name: string): void {
    // A zone inside another one takes its names.
    if (zoneOf(settings, name) !== zone || absoluteName(name) === undefined) return
    const node = nodeOf(zone, name)
    if (node) sink.put(name, node)
    else sink.remove(name)
  }

  function nodeOf(zone: string, name: string): NodeSpec | undefined {
    try {
      return compileNode(context, zone, name, { withoutEndpointServices: !firstUse.has(name) })
    } catch (error) {
      report(`${name} cannot be compiled: ${errorStack(error)}`)
      return { zone, below: 'open', otherTypes: 'chain', answers: new Map() }
    }
  }

  function compileAdmitted(name: string): void {
    const zone = zoneOf(settings, name)
    const node = zone === undefined ? undefined : nodeOf(zone, name)
    if (node) {
      sink.put(name, node)
      return
    }
    firstUse.remove(name)
    sink.remove(name)
  }

  /** The names that are compiled ahead; returns them. */
  function compileAhead(
    imported: boolean,
    before: Service | ServiceImport | undefined,
    service: Service | ServiceImport | undefined,
  ): Set<string> {
    const names = new Set<string>()
    for (const zone of forwardZones) {
      if (isMulticluster(settings, zone) !== imported) continue
      for (const name of service ? namesOfService(context, zone, service) : []) {
        names.add(name)
        publish(zone, name)
      }
      for (const name of before && before !== service ? namesOfService(context, zone, before) : []) {
        if (!names.has(name)) sink.remove(name)
      }
    }
    for (const ip of new Set([...clusterIPsOf(before), ...clusterIPsOf(service)])) compilePointer(ip)
    return names
  }

  /** The PTR of a ClusterIP; that of an endpoint only if it was asked for. */
  function compilePointer(ip: string): void {
    const address = parseAddress(ip)
    if (!address) return
    const name = reverseName(address)
    // An apex is there whatever the cluster holds.
    if (settings.zones.includes(name)) return
    if (clusterIPOwner(context, address) || firstUse.has(name)) compileAdmitted(name)
    else sink.remove(name)
  }

  const dependsOnEndpoints = (service: Service | ServiceImport | undefined): boolean =>
    service !== undefined &&
    (settings.ignoreEmptyServices || ('headless' in service ? service.headless : service.type === 'Headless'))

  function compiledFrom(object: Service | ServiceImport): Compiled {
    if ('ips' in object) {
      const ttl = importTtl(context, object).seconds
      return { object, ttl, endpointsTtl: ttl, told: undefined }
    }
    const ttl = serviceTtl(context, object).seconds
    const told = selectEndpoints(settings, view.slices(object.namespace, object.name))
    return { object, ttl, endpointsTtl: endpointsTtl(context, object).seconds, told }
  }

  const objectOf = ({ imported, namespace, name }: ServiceName): Service | ServiceImport | undefined =>
    imported ? view.serviceImport(namespace, name) : view.service(namespace, name)

  function isFirstUse(zone: string, name: string, type: number): boolean {
    const place = placeIn(zone, name)
    if (place.kind === 'reverse') return !isClusterIP(place)
    // A topology zone that no endpoint is in may have all endpoints of the service, and any number of names.
    if (place.kind !== 'service' || place.topology) return false
    const service = objectOf(serviceNameOf(place))
    if (!service || service.type === 'ExternalName') return false
    if (place.endpoint !== '') return !isGrpcConfig(place)
    if (type === dnsType.SRV && 'clusterIPs' in service && splitOf(context, service)) return true
    if (place.port === '' && place.protocol === '') return isHeadlessName(view, place) && type === dnsType.SRV
    return !namesOfService(context, zone, service).includes(name)
  }

  const isClusterIP = (place: ClusterName): boolean =>
    place.kind === 'reverse' && clusterIPOwner(context, place.address) !== undefined

  return {
    compileFixed(zone) {
      for (const name of fixedNames(settings, zone)) publish(zone, name)
    },
    compileService(which, whole) {
      const key = serviceKey(which)
      const before = compiled.get(key)
      const service = objectOf(which)
      const now = service && compiledFrom(service)
      if (now) compiled.set(key, now)
      else compiled.delete(key)
      const changed = whole || service !== before?.object || now?.ttl !== before?.ttl
      const ahead =
        changed || dependsOnEndpoints(service) ? compileAhead(which.imported, before?.object, service) : undefined
      const aged = now?.endpointsTtl !== before?.endpointsTtl || now?.told !== before?.told
      const first = new Set(firstUse.ofService(which, 'changed'))
      for (const used of first) if (!ahead?.has(used)) compileAdmitted(used)
      for (const used of changed || aged ? firstUse.ofService(which, 'all') : []) {
        if (!first.has(used) && !ahead?.has(used)) later(used)
      }
      // Names of addresses follow the slices by themselves; their TTL is the service's.
      for (const used of aged ? firstUse.ofEndpoints(which) : []) later(used)
      return ahead || aged ? aliasNames.compile(which) : []
    },
    compileName: publish,
    compileAliasZones: aliasNames.compileZones,
    compileNamespace(namespace) {
      for (const zone of forwardZones) {
        publish(zone, namespaceName(namespace, 'svc', zone))
        if (settings.pods !== 'disabled') publish(zone, namespaceName(namespace, 'pod', zone))
      }
    },
    compileAdmitted,
    usedNames: firstUse.names,
    usedAcrossNamespaces: () => (settings.namespaces ? firstUse.ofAddresses() : []),
    isUsed: firstUse.has,
    use(zone, name, type) {
      if (firstUse.has(name) || !isFirstUse(zone, name, type)) return { used: false, displaced: [] }
      const displaced = firstUse.add(placeIn(zone, name), name).flatMap((other): ServiceName[] => {
        const place = placeIn(zoneOf(settings, other)!, other)
        // Names that are compiled ahead stay until they are compiled again: the closed node above would deny them.
        const stays = place.kind === 'service' ? isServiceItself(place) : isClusterIP(place)
        if (!stays) sink.remove(other)
        return place.kind === 'service' ? [serviceNameOf(place)] : []
      })
      return { used: true, displaced }
    },
  }
}

interface Compiled {
  readonly object: Service | ServiceImport
  /** Seconds. */
  readonly ttl: number
  readonly endpointsTtl: number
  /** Which of its endpoints have names. */
  readonly told: EndpointSelection | undefined
}

const clusterIPsOf = (service: Service | ServiceImport | undefined): readonly string[] =>
  service && 'clusterIPs' in service ? service.clusterIPs : []
