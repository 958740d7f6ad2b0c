/**
 * Which missing names may appear in a moment: the hosts of a StatefulSet whose pods start together and look for one
 * another before each has an address (docs/design.md §7).
 */

import { type as dnsType } from '../../../dns/codes.ts'
import type { EndpointSlice } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { isShown } from '../../lookup/visibility.ts'
import { grammarOf, parseClusterName } from '../../names/cluster-name.ts'
import { holdAnnotation } from './parse.ts'

/** An endpoint that a query may wait for. */
export interface Awaited {
  readonly namespace: string
  readonly service: string
  /** Its label below the service. */
  readonly label: string
  /** How long the query waits, from its arrival. */
  readonly milliseconds: number
}

const awaitedTypes: ReadonlySet<number> = new Set([dnsType.A, dnsType.AAAA, dnsType.SRV])

/** The endpoint that a query for the missing `name` (lower case, in `zone`) waits for; undefined when it does not wait. */
export function awaitedAt(context: ClusterContext, zone: string, name: string, type: number): Awaited | undefined {
  if (!awaitedTypes.has(type)) return undefined
  const clusterName = parseClusterName(zone, name, grammarOf(context.settings, zone))
  if (clusterName.kind !== 'service' || clusterName.imported) return undefined
  const { namespace, service, endpoint: label, topology } = clusterName
  if (label === '' || topology) return undefined
  const milliseconds = holdOf(context, namespace, service)
  if (milliseconds === undefined || !mayBeMember(label, context.view.slices(namespace, service))) return undefined
  return { namespace, service, label, milliseconds }
}

/** Milliseconds that queries for this service's endpoints wait; undefined when they do not. */
export function holdOf(context: ClusterContext, namespace: string, name: string): number | undefined {
  const service = context.view.service(namespace, name)
  if (!service?.headless || !isShown(context, namespace)) return undefined
  return context.annotations.service(service).get(holdAnnotation)
}

/** DNS does not know the number of replicas: any ordinal of up to five digits may appear. */
const member = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)-(?:0|[1-9][0-9]{0,4})$/

/** Known endpoints, ready or not, show the StatefulSet's name; while no endpoint is known, any name may be it. */
function mayBeMember(label: string, slices: readonly EndpointSlice[]): boolean {
  const set = label.length < 64 ? member.exec(label)?.[1] : undefined
  if (set === undefined) return false
  return slices.some((slice) => setsOf(slice).has(set)) || slices.every((slice) => setsOf(slice).size === 0)
}

const known = new WeakMap<EndpointSlice, ReadonlySet<string>>()

/** Names of the StatefulSets that the slice's endpoints belong to. A slice is read once. */
function setsOf(slice: EndpointSlice): ReadonlySet<string> {
  let sets = known.get(slice)
  if (!sets) {
    const names = [...(slice.hostnames ?? []), ...(slice.podNames ?? [])]
    sets = new Set(names.flatMap((name) => member.exec(name)?.[1] ?? []))
    known.set(slice, sets)
  }
  return sets
}
