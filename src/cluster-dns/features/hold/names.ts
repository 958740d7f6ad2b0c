/**
 * Which missing names may appear in a moment: the hosts of a StatefulSet whose pods start together, and look for one
 * another before each has an address (`slicedns.io/hold`).
 */

import { type as dnsType } from '../../../dns/codes.ts'
import type { EndpointSlice, Service } from '../../../k8s/model/types.ts'
import type { Problem } from '../../annotations/parsed.ts'
import type { ClusterContext } from '../../context.ts'
import { isShown } from '../../lookup/visibility.ts'
import { grammarOf, parseClusterName } from '../../names/cluster-name.ts'

/** An endpoint that a question may wait for. */
export interface Awaited {
  readonly namespace: string
  readonly service: string
  /** What it will be called below the service. */
  readonly label: string
  /** How long, from when the question came. */
  readonly milliseconds: number
}

const awaitedTypes: ReadonlySet<number> = new Set([dnsType.A, dnsType.AAAA, dnsType.SRV])

/** What `name` (lower case, in `zone`), which is missing, may be waited for as; undefined when it may not. */
export function awaitedAt(context: ClusterContext, zone: string, name: string, type: number): Awaited | undefined {
  if (!awaitedTypes.has(type)) return undefined
  const place = parseClusterName(zone, name, grammarOf(context.settings, zone))
  if (place.kind !== 'service' || place.imported || place.endpoint === '' || place.topology) return undefined
  const { namespace, service, endpoint: label } = place
  const milliseconds = holdOf(context, namespace, service)
  if (milliseconds === undefined || !mayBeMember(label, context.view.slices(namespace, service))) return undefined
  return { namespace, service, label, milliseconds }
}

/** Milliseconds that questions for this service's endpoints wait; undefined when they do not. */
export function holdOf(context: ClusterContext, namespace: string, name: string): number | undefined {
  const service = context.view.service(namespace, name)
  if (!service?.headless || !isShown(context, namespace)) return undefined
  return context.annotations.service(service).hold
}

/** Replicas are not visible to DNS: any ordinal that a StatefulSet can have counts, with no more than five digits. */
const member = /^([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)-(?:0|[1-9][0-9]{0,4})$/

/** The StatefulSet's name is that of the endpoints that are known, ready or not; before there is one, it may be any. */
function mayBeMember(label: string, slices: readonly EndpointSlice[]): boolean {
  const set = label.length < 64 ? member.exec(label)?.[1] : undefined
  if (set === undefined) return false
  return slices.some((slice) => setsOf(slice).has(set)) || slices.every((slice) => setsOf(slice).size === 0)
}

const known = new WeakMap<EndpointSlice, ReadonlySet<string>>()

/** Names of the StatefulSets that the slice's endpoints are of. A slice is read once. */
function setsOf(slice: EndpointSlice): ReadonlySet<string> {
  let sets = known.get(slice)
  if (!sets) {
    const names = [...(slice.hostnames ?? []), ...(slice.podNames ?? [])]
    sets = new Set(names.flatMap((name) => member.exec(name)?.[1] ?? []))
    known.set(slice, sets)
  }
  return sets
}

/** What is wrong with a service's `hold` beyond its text. `prefix`: what annotation keys begin with. */
export function problemsOfHold(context: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  if (context.annotations.service(service).hold === undefined) return []
  const key = `${prefix}/hold`
  if (!service.headless) {
    return [
      { key, reason: 'refused', rule: 'only the endpoints of a headless Service (clusterIP: None) are waited for' },
    ]
  }
  if (service.publishNotReadyAddresses) return []
  const rule =
    'in effect, but without publishNotReadyAddresses an endpoint is there only when its pod is ready, which takes longer than a question can wait'
  return [{ key, reason: 'advice', rule }]
}
