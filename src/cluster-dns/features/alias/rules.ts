/** Where services may take aliases: what the Corefile opens (`alias_zones`), and never a name that Kubernetes defines. */
import { isSubdomain } from '../../../dns/name.ts'
import { below, type ClusterDnsSettings, isMulticluster, isReverseZone } from '../../settings.ts'

/** Names of these zones, and all below, have a meaning in every cluster. */
const definedTrees = ['svc', 'pod', 'dns', 'dns-version']

/** What Kubernetes calls something else, or nothing yet; undefined where it has no say. */
function definedBy(settings: ClusterDnsSettings, name: string): string | undefined {
  if (isReverseZone(name)) return 'it is a reverse name: PTR records follow the cluster alone'
  for (const zone of settings.zones) {
    if (name === zone) return `it is the cluster's own zone ${zone}`
    const tree = definedTrees.find((left) => isSubdomain(below(left, zone), name))
    if (tree !== undefined) return `names in ${below(tree, zone)} are what Kubernetes says`
  }
  return undefined
}

/** The zones of `alias_zones` in which an alias can be. */
export function openZones(settings: ClusterDnsSettings): string[] {
  return settings.aliasZones.filter((zone) => settings.zones.includes(zone) || definedBy(settings, zone) === undefined)
}

/** What of `alias_zones` can have no effect in a server block with these zones, in words. */
export function idleZones(settings: ClusterDnsSettings, blockZones: readonly string[]): string[] {
  const open = openZones(settings)
  return settings.aliasZones.flatMap((zone) => {
    if (!open.includes(zone)) return [`alias_zones ${zone} has no effect: ${definedBy(settings, zone)}`]
    if (blockZones.some((own) => isSubdomain(own, zone))) return []
    return [`alias_zones ${zone} has no effect: this server block answers ${blockZones.join(' ')}`]
  })
}

/**
 * The zone that a name belongs to, among the plugin's own and those for aliases: the longest. So a zone for aliases
 * around a cluster's zone does not open that: search paths lead there.
 */
export function aliasZoneOf(settings: ClusterDnsSettings, open: readonly string[], name: string): string | undefined {
  let longest: string | undefined
  for (const zone of [...settings.zones, ...open]) {
    if (isSubdomain(zone, name) && (longest === undefined || zone.length > longest.length)) longest = zone
  }
  return longest !== undefined && open.includes(longest) ? longest : undefined
}

/** Why no service may have this name (lower case, absolute) as its alias; undefined when one may. */
export function ruleAgainst(settings: ClusterDnsSettings, name: string): string | undefined {
  const defined = definedBy(settings, name)
  if (defined !== undefined) return `${name} cannot be an alias: ${defined}`
  const open = openZones(settings)
  if (aliasZoneOf(settings, open, name) === undefined) {
    const zones = open.length > 0 ? `opens ${open.join(' ')} only` : 'opens no zone'
    return `${name} cannot be an alias: the Corefile ${zones} (alias_zones in the kubernetes block)`
  }
  return open.includes(name) ? `${name} cannot be an alias: it is the zone itself, an alias is below it` : undefined
}

/** The zone in which services have the names that aliases stand for; undefined where there are none. */
export function homeZone(settings: ClusterDnsSettings): string | undefined {
  return settings.zones.find((zone) => !isReverseZone(zone) && !isMulticluster(settings, zone))
}
