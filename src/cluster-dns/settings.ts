/** How a `kubernetes` block answers cluster names. */
import { innermostZone, isSubdomain } from '../dns/name.ts'

export interface ClusterDnsSettings {
  /** Zones answered for, lower case and absolute, in the Corefile's order; reverse zones among them. */
  readonly zones: readonly string[]
  /** The zone that PTR records point into. */
  readonly primaryZone: string
  /** Seconds, 0–3600. */
  readonly ttl: number
  /** The visible namespaces; undefined for all. */
  readonly namespaces: ReadonlySet<string> | undefined
  readonly pods: 'disabled' | 'insecure' | 'verified'
  /** Endpoints without a host name are named after their pod instead of their address. */
  readonly endpointPodNames: boolean
  /** A ClusterIP service without a ready endpoint does not exist. */
  readonly ignoreEmptyServices: boolean
  /** Headless services have names for their endpoints in one topology zone. */
  readonly zonal: boolean
  /** Zones, of those answered for, whose services are the ServiceImports of a cluster set (MCS API). */
  readonly multicluster: readonly string[]
  /** Missing names in these zones go to the next plugin. */
  readonly fallthrough: readonly string[]
  /** Seconds, 0–3600; undefined for `ttl`. */
  readonly ttlHeadless: number | undefined
  readonly adaptiveTtl: AdaptiveTtl | undefined
  /** Zones, lower case and absolute, in which services may take aliases. */
  readonly aliasZones: readonly string[]
  /** A service without a ready endpoint answers with those that are serving and terminating. */
  readonly terminatingLastResort: boolean
  /** Services can be browsed (RFC 6763). */
  readonly dnsSd: boolean
}

/** Seconds while a service's endpoints are unsettled and otherwise; milliseconds after a change until it is settled. */
export interface AdaptiveTtl {
  readonly min: number
  readonly max: number
  readonly settle: number
}

/** The zone that answers for a name (lower case). */
export const zoneOf = ({ zones }: ClusterDnsSettings, name: string): string | undefined => innermostZone(zones, name)

export function fallsThrough(settings: ClusterDnsSettings, name: string): boolean {
  return settings.fallthrough.some((zone) => isSubdomain(zone, name))
}

/** Whether the name or one below it falls through when it is missing. */
export function fallsThroughBelow(settings: ClusterDnsSettings, name: string): boolean {
  return settings.fallthrough.some((zone) => isSubdomain(zone, name) || isSubdomain(name, zone))
}

/** As in CoreDNS, a zone below a multicluster zone is one too. */
export const isMulticluster = ({ multicluster }: ClusterDnsSettings, zone: string): boolean =>
  multicluster.some((parent) => isSubdomain(parent, zone))

export const isReverseZone = (zone: string): boolean =>
  isSubdomain('in-addr.arpa.', zone) || isSubdomain('ip6.arpa.', zone)
