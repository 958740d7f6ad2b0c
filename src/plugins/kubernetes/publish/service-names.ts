/** The names of the table that belong to an object, and their compilation when it changes. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
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
import { compileNode, fixedNames, namesOfService } from '../../../cluster-dns/records/table-node.ts'
import { isMulticluster, isReverseZone, zoneOf } from '../../../cluster-dns/settings.ts'
import { parseAddress, reverseName } from '../../../dns/address.ts'
import type { Service, ServiceImport } from '../../../k8s/model/types.ts'
import type { NodeSpec } from '../../../table/spec.ts'
import { errorStack } from '../../../telemetry/error-text.ts'
import { createAliasNames } from './alias-names.ts'
import { nodeOctets } from './node-octets.ts'
import { createOnDemandNames, type ServiceName, serviceKey, serviceNameOf } from './on-demand-names.ts'
import { isClusterIP, isOnDemand, objectOf } from './on-demand-rule.ts'
import type { NameSink } from './sinks.ts'

export interface ServiceNames {
  /** Compiles the names that exist whatever the cluster holds. */
  compileFixed(zone: string): void
  /**
   * Compiles one name per step. `whole`: all names, even if only the service's slices may have changed. Returns
   * services to compile as a whole, because they lost or gained an alias, or because names of theirs were evicted.
   */
  compileService(service: ServiceName, whole: boolean): Generator<void, readonly ServiceName[]>
  /** Compiles one name ahead of queries; a missing name is removed. */
  compileName(zone: string, name: string): void
  /** Compiles the alias zones. */
  compileAliasZones(): void
  compileNamespace(namespace: string): void
  /** Compiles one admitted name. Returns services as `admit` does. */
  compileAdmitted(name: string): readonly ServiceName[]
  /** Removes every name of services and of these namespaces from the table. Returns the services. */
  forget(namespaces: Iterable<string>): ServiceName[]
  admittedNames(): Iterable<string>
  /** Admitted names that depend on which namespaces exist, other than names of the namespaces' services. */
  admittedAcrossNamespaces(): readonly string[]
  isAdmitted(name: string): boolean
  /**
   * Admits a name that the chain answered, if it is one that is compiled on demand. Returns the services whose names
   * were evicted: they must be compiled as a whole.
   */
  admit(
    zone: string,
    name: string,
    type: number,
  ): { readonly admitted: boolean; readonly displaced: readonly ServiceName[] }
}

export interface ServiceNamesOptions {
  /** Logs an internal error: a name that cannot be compiled is left to the chain. */
  readonly report: (text: string) => void
  /** Queues an admitted name for `compileAdmitted`: a service may have thousands. */
  readonly later: (name: string) => void
  /** Counts evicted names. */
  readonly evicted: (count: number) => void
}

export function createServiceNames(
  context: ClusterContext,
  sink: NameSink,
  { report, later, evicted }: ServiceNamesOptions,
): ServiceNames {
  const { view, settings } = context
  const forwardZones = settings.zones.filter((zone) => !isReverseZone(zone))
  const onDemand = createOnDemandNames(settings.endpointPodNames, ({ imported, namespace, name }) =>
    imported ? view.importedSlices(namespace, name) : view.slices(namespace, name),
  )
  const aliasNames = createAliasNames(context, sink)
  /** The state that each service's names were last compiled from. */
  const compiled = new Map<string, Compiled>()

  const parseIn = (zone: string, name: string): ClusterName => parseClusterName(zone, name, grammarOf(settings, zone))

  /** Returns the services whose names were evicted. */
  function compileName(zone: string, name: string): readonly ServiceName[] {
    // A zone inside another one takes its names.
    if (zoneOf(settings, name) !== zone || absoluteName(name) === undefined) return []
    const node = nodeOf(zone, name)
    if (node) return put(name, node)
    sink.remove(name)
    return []
  }

  function put(name: string, node: NodeSpec): readonly ServiceName[] {
    sink.put(name, node)
    return onDemand.has(name) ? displace(onDemand.resize(name, nodeOctets(node))) : []
  }

  function nodeOf(zone: string, name: string): NodeSpec | undefined {
    try {
      return compileNode(context, zone, name, { withoutEndpointServices: !onDemand.has(name) })
    } catch (error) {
      report(`${name} cannot be compiled: ${errorStack(error)}`)
      return { zone, below: 'open', otherTypes: 'chain', answers: new Map() }
    }
  }

  function compileAdmitted(name: string): readonly ServiceName[] {
    const zone = zoneOf(settings, name)
    const node = zone === undefined ? undefined : nodeOf(zone, name)
    if (node) return put(name, node)
    onDemand.remove(name)
    sink.remove(name)
    return []
  }

  /** Removes evicted names from the table. Returns their services. */
  function displace(names: readonly string[]): readonly ServiceName[] {
    if (names.length > 0) evicted(names.length)
    return names.flatMap((name): ServiceName[] => {
      const clusterName = parseIn(zoneOf(settings, name)!, name)
      // Names that are compiled ahead stay until they are compiled again: the closed node above would deny them.
      const stays = clusterName.kind === 'service' ? isServiceItself(clusterName) : isClusterIP(context, clusterName)
      if (!stays) sink.remove(name)
      return clusterName.kind === 'service' ? [serviceNameOf(clusterName)] : []
    })
  }

  /** Compiles the names that are published ahead of queries. */
  function* compileAhead(
    imported: boolean,
    before: Service | ServiceImport | undefined,
    service: Service | ServiceImport | undefined,
  ): Generator<void, { readonly names: ReadonlySet<string>; readonly displaced: readonly ServiceName[] }> {
    const names = new Set<string>()
    const displaced: ServiceName[] = []
    for (const zone of forwardZones) {
      if (isMulticluster(settings, zone) !== imported) continue
      for (const name of service ? namesOfService(context, zone, service) : []) {
        names.add(name)
        displaced.push(...compileName(zone, name))
        yield
      }
      for (const name of before && before !== service ? namesOfService(context, zone, before) : []) {
        if (!names.has(name)) sink.remove(name)
      }
    }
    for (const ip of new Set([...clusterIPsOf(before), ...clusterIPsOf(service)])) {
      compilePointer(ip)
      yield
    }
    return { names, displaced }
  }

  /** Compiles the PTR of a ClusterIP; that of an endpoint only if it was admitted. */
  function compilePointer(ip: string): void {
    const address = parseAddress(ip)
    if (!address) return
    const name = reverseName(address)
    // An apex exists whatever the cluster holds.
    if (settings.zones.includes(name)) return
    if (clusterIPOwner(context, address) || onDemand.has(name)) compileAdmitted(name)
    else sink.remove(name)
  }

  const dependsOnEndpoints = (service: Service | ServiceImport | undefined): boolean =>
    service !== undefined &&
    (settings.ignoreEmptyServices || ('headless' in service ? service.headless : service.type === 'Headless'))

  function compiledFrom(object: Service | ServiceImport): Compiled {
    if ('ips' in object) {
      const ttl = importTtl(context, object).seconds
      return { object, ttl, endpointsTtl: ttl, selection: undefined }
    }
    const ttl = serviceTtl(context, object).seconds
    const selection = selectEndpoints(settings, view.slices(object.namespace, object.name))
    return { object, ttl, endpointsTtl: endpointsTtl(context, object).seconds, selection }
  }

  /**
   * Compiles the admitted names of a service: those that the change affects now, others later. A change of the TTL or
   * of the selection of endpoints affects all of them.
   */
  function* compileOnDemand(
    service: ServiceName,
    ahead: ReadonlySet<string>,
    concerned: { readonly all: boolean; readonly endpoints: boolean },
  ): Generator<void, readonly ServiceName[]> {
    const displaced: ServiceName[] = []
    const changed = new Set(onDemand.ofService(service, 'changed'))
    for (const name of changed) {
      if (ahead.has(name)) continue
      displaced.push(...compileAdmitted(name))
      yield
    }
    for (const name of concerned.all ? onDemand.ofService(service, 'all') : []) {
      if (!changed.has(name) && !ahead.has(name)) later(name)
    }
    // Reverse names have their own change events; only their TTL comes from the service.
    for (const name of concerned.endpoints ? onDemand.ofEndpoints(service) : []) later(name)
    return displaced
  }

  /** Removes the names that `compileService` compiled ahead. */
  function removeAhead(object: Service | ServiceImport): void {
    for (const zone of forwardZones) {
      if (isMulticluster(settings, zone) !== 'ips' in object) continue
      for (const name of namesOfService(context, zone, object)) sink.remove(name)
    }
    for (const ip of clusterIPsOf(object)) {
      const address = parseAddress(ip)
      const name = address && reverseName(address)
      if (name !== undefined && !settings.zones.includes(name)) sink.remove(name)
    }
  }

  return {
    compileFixed(zone) {
      for (const name of fixedNames(settings, zone)) compileName(zone, name)
    },
    *compileService(which, whole) {
      const key = serviceKey(which)
      const before = compiled.get(key)
      const object = objectOf(context, which)
      const now = object && compiledFrom(object)
      if (now) compiled.set(key, now)
      else compiled.delete(key)
      const ownChange = whole || object !== before?.object || now?.ttl !== before?.ttl
      const endpointsChange = now?.endpointsTtl !== before?.endpointsTtl || now?.selection !== before?.selection
      const compilesAhead = ownChange || dependsOnEndpoints(object)
      const ahead = compilesAhead ? yield* compileAhead(which.imported, before?.object, object) : nothingAhead
      const concerned = { all: ownChange || endpointsChange, endpoints: endpointsChange }
      const displaced = yield* compileOnDemand(which, ahead.names, concerned)
      const aliasChanges = compilesAhead || endpointsChange ? yield* aliasNames.compile(which) : []
      return [...ahead.displaced, ...displaced, ...aliasChanges]
    },
    compileName: (zone, name) => void compileName(zone, name),
    compileAliasZones: aliasNames.compileZones,
    compileNamespace(namespace) {
      for (const zone of forwardZones) {
        compileName(zone, namespaceName(namespace, 'svc', zone))
        if (settings.pods !== 'disabled') compileName(zone, namespaceName(namespace, 'pod', zone))
      }
    },
    forget(namespaces) {
      const services = [...compiled.values()].map(
        ({ object }): ServiceName => ({ imported: 'ips' in object, namespace: object.namespace, name: object.name }),
      )
      for (const { object } of compiled.values()) removeAhead(object)
      compiled.clear()
      for (const name of [...onDemand.names()]) {
        onDemand.remove(name)
        sink.remove(name)
      }
      aliasNames.forget()
      for (const namespace of namespaces) {
        for (const zone of forwardZones) {
          for (const tree of ['svc', 'pod'] as const) sink.remove(namespaceName(namespace, tree, zone))
        }
      }
      return services
    },
    compileAdmitted,
    admittedNames: onDemand.names,
    admittedAcrossNamespaces: () => (settings.namespaces ? onDemand.ofAddresses() : []),
    isAdmitted: onDemand.has,
    admit(zone, name, type) {
      const none = { admitted: false, displaced: [] }
      if (onDemand.has(name)) return none
      const clusterName = parseIn(zone, name)
      if (!isOnDemand(context, zone, name, clusterName, type)) return none
      return { admitted: true, displaced: displace(onDemand.add(clusterName, name)) }
    },
  }
}

const nothingAhead = { names: new Set<string>(), displaced: [] }

interface Compiled {
  readonly object: Service | ServiceImport
  /** Seconds. */
  readonly ttl: number
  readonly endpointsTtl: number
  /** Which of its endpoints are answered. */
  readonly selection: EndpointSelection | undefined
}

const clusterIPsOf = (service: Service | ServiceImport | undefined): readonly string[] =>
  service && 'clusterIPs' in service ? service.clusterIPs : []
