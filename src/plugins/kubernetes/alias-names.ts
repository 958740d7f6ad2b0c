/** Names of the table that services have by `slicedns.io/alias`: what each service's own names answer, a second time. */
import { aliasNames, aliasNode } from '../../compile/alias-node.ts'
import { aliasZoneOf } from '../../compile/alias-rules.ts'
import { ownerOf } from '../../compile/aliases.ts'
import { type Knowledge, zoneOf } from '../../compile/settings.ts'
import { type ServiceName, serviceKey } from './first-use.ts'
import type { NameSink } from './names.ts'

export interface AliasNames {
  /** Zones for aliases inside a cluster's zone: what has no alias there is for the next plugin, not denied. */
  compileZones(): void
  /**
   * To be called whenever the service's own names are compiled. Returns the other services that claim an alias which has
   * come or gone by that.
   */
  compile(service: ServiceName): readonly ServiceName[]
}

interface Published {
  /** The key of the service that has the alias. */
  readonly owner: string
  readonly names: readonly string[]
}

export function createAliasNames(knowledge: Knowledge, sink: NameSink): AliasNames {
  const { aliases, settings } = knowledge
  /** What each service claimed when it was compiled last. */
  const claimed = new Map<string, readonly string[]>()
  const published = new Map<string, Published>()

  /** Returns whether the alias has changed hands. */
  function publish(alias: string): boolean {
    const before = published.get(alias)
    const service = ownerOf(knowledge, alias)
    const names = service ? aliasNames(knowledge, alias, service) : new Map<string, string>()
    const zone = aliasZoneOf(settings, aliases.zones, alias)!
    for (const [name, own] of names) {
      const node = aliasNode(knowledge, zone, own)
      if (node) sink.put(name, node)
      else sink.remove(name)
    }
    for (const name of before?.names ?? []) if (!names.has(name)) sink.remove(name)
    const owner = service ? serviceKey({ imported: false, ...service }) : undefined
    if (owner === undefined) published.delete(alias)
    else published.set(alias, { owner, names: [...names.keys()] })
    return owner !== before?.owner
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
      const moved = [...new Set([...(claimed.get(key) ?? []), ...now])].filter(publish)
      if (now.length > 0) claimed.set(key, now)
      else claimed.delete(key)
      const others = moved.flatMap((alias) => aliases.claimants(alias))
      return others
        .filter((other) => other.namespace !== namespace || other.name !== name)
        .map((other) => ({ imported: false, namespace: other.namespace, name: other.name }))
    },
  }
}
