/** Names of the table that services have by `slicedns.io/alias`: what each service's own names answer, a second time. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { aliasNames, aliasNode } from '../../../cluster-dns/features/alias/alias-nodes.ts'
import { ownerOf } from '../../../cluster-dns/features/alias/claims.ts'
import { aliasZoneOf } from '../../../cluster-dns/features/alias/rules.ts'
import { zoneOf } from '../../../cluster-dns/settings.ts'
import { type ServiceName, serviceKey } from './on-demand-names.ts'
import type { NameSink } from './sinks.ts'

export interface AliasNames {
  /** Zones for aliases inside a cluster's zone: what has no alias there is for the next plugin, not denied. */
  compileZones(): void
  /**
   * To be called whenever the service's own names are compiled. Returns the other services that have lost or got an alias
   * by that.
   */
  compile(service: ServiceName): readonly ServiceName[]
}

interface Published {
  readonly owner: ServiceName
  readonly names: readonly string[]
}

export function createAliasNames(context: ClusterContext, sink: NameSink): AliasNames {
  const { aliases, settings } = context
  /** What each service claimed when it was compiled last. */
  const claimed = new Map<string, readonly string[]>()
  const published = new Map<string, Published>()

  /** Returns the services that the alias has gone from and come to. */
  function publish(alias: string): readonly ServiceName[] {
    const before = published.get(alias)
    const service = ownerOf(context, alias)
    const names = service ? aliasNames(context, alias, service) : new Map<string, string>()
    const zone = aliasZoneOf(settings, aliases.zones, alias)!
    for (const [name, own] of names) {
      const node = aliasNode(context, zone, own)
      if (node) sink.put(name, node)
      else sink.remove(name)
    }
    for (const name of before?.names ?? []) if (!names.has(name)) sink.remove(name)
    const owner = service && { imported: false, namespace: service.namespace, name: service.name }
    if (owner) published.set(alias, { owner, names: [...names.keys()] })
    else published.delete(alias)
    const hands = [before?.owner, owner].filter((hand) => hand !== undefined)
    return hands.length === 2 && isSame(hands[0]!, hands[1]!) ? [] : hands
  }

  return {
    compileZones() {
      for (const zone of aliases.zones) {
        const around = zoneOf(settings, zone)
        if (around === undefined || around === zone) continue
        sink.put(zone, { zone, below: 'open', otherTypes: 'chain', answers: new Map() })
      }
    },
    compile({ imported, namespace, name }) {
      if (imported || aliases.zones.length === 0) return []
      const key = serviceKey({ imported, namespace, name })
      const now = aliases.claimedBy(namespace, name)
      const hands = [...new Set([...(claimed.get(key) ?? []), ...now])].flatMap(publish)
      if (now.length > 0) claimed.set(key, now)
      else claimed.delete(key)
      return hands.filter((hand) => !isSame(hand, { namespace, name }))
    },
  }
}

const isSame = (a: Pick<ServiceName, 'namespace' | 'name'>, b: Pick<ServiceName, 'namespace' | 'name'>): boolean =>
  a.namespace === b.namespace && a.name === b.name
