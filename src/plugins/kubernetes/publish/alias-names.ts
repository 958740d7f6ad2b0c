/** Publishes the names that services have by `slicedns.io/alias`, with the answers of the services' own names. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { aliasNames, aliasNode } from '../../../cluster-dns/features/alias/alias-nodes.ts'
import { ownerOf } from '../../../cluster-dns/features/alias/claims.ts'
import { aliasZoneOf } from '../../../cluster-dns/features/alias/rules.ts'
import { zoneOf } from '../../../cluster-dns/settings.ts'
import { type ServiceName, serviceKey } from './on-demand-names.ts'
import type { NameSink } from './sinks.ts'

export interface AliasNames {
  /** Publishes alias zones inside a cluster's zone as open: names without an alias go to the next plugin. */
  compileZones(): void
  /**
   * Call it whenever the service's own names are compiled. Compiles one name per step. Returns the other services that
   * lost or gained an alias.
   */
  compile(service: ServiceName): Generator<void, readonly ServiceName[]>
  /** Removes all of them from the table. */
  forget(): void
}

interface Published {
  owner: ServiceName | undefined
  /** The names of the alias that are in the table. */
  readonly names: Set<string>
}

type NamespacedName = Pick<ServiceName, 'namespace' | 'name'>

export function createAliasNames(context: ClusterContext, sink: NameSink): AliasNames {
  const { aliases, settings } = context
  /** The aliases that each service claimed when it was last compiled. */
  const claimed = new Map<string, readonly string[]>()
  const published = new Map<string, Published>()

  const currentOwner = (alias: string): ServiceName | undefined => {
    const service = ownerOf(context, alias)
    return service && { imported: false, namespace: service.namespace, name: service.name }
  }

  /** Returns the services that lost and gained the alias. */
  function* publish(alias: string): Generator<void, readonly ServiceName[]> {
    const service = ownerOf(context, alias)
    const owner = currentOwner(alias)
    const current = published.get(alias) ?? { owner: undefined, names: new Set() }
    const before = current.owner
    current.owner = owner
    published.set(alias, current)
    const zone = aliasZoneOf(settings, aliases.zones, alias)!
    const names = service ? aliasNames(context, alias, service) : new Map<string, string>()
    for (const name of [...current.names]) {
      if (names.has(name)) continue
      current.names.delete(name)
      sink.remove(name)
    }
    for (const [name, own] of names) {
      // Between two steps another service may have gained the alias, and publishes it then.
      if (published.get(alias) !== current || !isSame(currentOwner(alias), owner)) break
      const node = aliasNode(context, zone, own)
      if (node) sink.put(name, node)
      else sink.remove(name)
      current.names.add(name)
      yield
    }
    if (!owner) published.delete(alias)
    return isSame(before, owner) ? [] : [before, owner].filter((other) => other !== undefined)
  }

  return {
    compileZones() {
      for (const zone of aliases.zones) {
        const around = zoneOf(settings, zone)
        if (around === undefined || around === zone) continue
        sink.put(zone, { zone, below: 'open', otherTypes: 'chain', answers: new Map() })
      }
    },
    *compile({ imported, namespace, name }) {
      if (imported || aliases.zones.length === 0) return []
      const key = serviceKey({ imported, namespace, name })
      const now = aliases.claimedBy(namespace, name)
      const all = new Set([...(claimed.get(key) ?? []), ...now])
      if (now.length > 0) claimed.set(key, now)
      else claimed.delete(key)
      const affected: ServiceName[] = []
      for (const alias of all) {
        for (const other of yield* publish(alias)) if (!isSame(other, { namespace, name })) affected.push(other)
      }
      return affected
    },
    forget() {
      for (const { names } of published.values()) for (const name of names) sink.remove(name)
      published.clear()
      claimed.clear()
    },
  }
}

const isSame = (a: NamespacedName | undefined, b: NamespacedName | undefined): boolean =>
  a?.namespace === b?.namespace && a?.name === b?.name
