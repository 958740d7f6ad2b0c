/** Where services may have aliases: in the zones that the Corefile opens (`alias_zones`), never at a name of Kubernetes. */
import { below, isSubdomain, labelsOf } from '../../../dns/name.ts'
import { type ClusterDnsSettings, isMulticluster, isReverseZone } from '../../settings.ts'

/** Names of these zones, and all below, have a meaning in every cluster. */
const definedTrees = ['svc', 'pod', 'dns', 'dns-version']

/** Why a name belongs to Kubernetes; undefined when it does not. */
function definedBy(settings: ClusterDnsSettings, name: string): string | undefined {
  if (isReverseZone(name)) return 'it is a reverse name, and PTR records follow the cluster alone'
  for (const zone of settings.zones) {
    if (name === zone) return `it is the cluster's own zone ${zone}`
    const tree = definedTrees.find((left) => isSubdomain(below(left, zone), name))
    if (tree !== undefined) return `names in ${below(tree, zone)} belong to Kubernetes`
  }
  return undefined
}

/** The zones of `alias_zones` that can hold aliases. */
export function openZones(settings: ClusterDnsSettings): string[] {
  return settings.aliasZones.filter((zone) => settings.zones.includes(zone) || definedBy(settings, zone) === undefined)
}

/** Warnings about `alias_zones` in a server block with these zones: zones without effect, and those of the cluster. */
export function aliasZoneWarnings(settings: ClusterDnsSettings, blockZones: readonly string[]): string[] {
  const open = openZones(settings)
  return settings.aliasZones.flatMap((zone) => {
    if (!open.includes(zone)) return [`alias_zones ${zone} has no effect: ${definedBy(settings, zone)}`]
    if (isInOwnZone(settings, zone)) {
      return [
        `alias_zones ${zone} is in the cluster's own zone, where the search paths of pods lead: anyone who may annotate a Service can take names of one label there`,
      ]
    }
    if (blockZones.some((own) => isSubdomain(own, zone))) return []
    return [`alias_zones ${zone} has no effect: this server block answers ${blockZones.join(' ')} only`]
  })
}

/**
 * The alias zone of a name; undefined when its longest zone, among the plugin's and those for aliases, is not one. So an
 * alias zone around the cluster's zone does not open that: search paths lead there.
 */
export function aliasZoneOf(settings: ClusterDnsSettings, open: readonly string[], name: string): string | undefined {
  let longest: string | undefined
  for (const zone of [...settings.zones, ...open]) {
    if (isSubdomain(zone, name) && (longest === undefined || zone.length > longest.length)) longest = zone
  }
  return longest !== undefined && open.includes(longest) ? longest : undefined
}

/** Why this name (lower case, absolute) cannot be an alias; undefined when it can. */
export function ruleAgainst(settings: ClusterDnsSettings, name: string): string | undefined {
  const defined = definedBy(settings, name)
  if (defined !== undefined) return `${name} cannot be an alias: ${defined}`
  const open = openZones(settings)
  const zone = aliasZoneOf(settings, open, name)
  if (zone === undefined) {
    const zones = open.length > 0 ? `opens only ${open.join(' ')}` : 'opens no zone'
    return `${name} cannot be an alias: alias_zones in the Corefile ${zones}`
  }
  if (open.includes(name)) return `${name} cannot be an alias: it is the alias zone itself`
  if (isInOwnZone(settings, zone) && labelsOf(name).length > labelsOf(zone).length + 1) {
    return `${name} cannot be an alias: it must have one label below ${zone}, which the search paths of pods lead to`
  }
  return undefined
}

/**
 * Whether the search paths of pods lead to the zone: every lookup of `api.example.com` may try
 * `api.example.com.cluster.local` first, so an alias of several labels would take over a name of the outside.
 */
const isInOwnZone = ({ zones }: ClusterDnsSettings, zone: string): boolean =>
  zones.some((own) => !isReverseZone(own) && isSubdomain(own, zone))

/** The zone of the service names that aliases stand for; undefined when the settings have no such zone. */
export function homeZone(settings: ClusterDnsSettings): string | undefined {
  return settings.zones.find((zone) => !isReverseZone(zone) && !isMulticluster(settings, zone))
}
