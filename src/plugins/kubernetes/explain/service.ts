/** What `slicedns explain` says of a service: its TTL, the rank of its SRV records, how settled it is, and their sources. */

import { namespaceProblems, serviceProblems } from '../../../cluster-dns/annotations/problems.ts'
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { awaitedAt } from '../../../cluster-dns/features/hold/names.ts'
import { isGrpcConfig } from '../../../cluster-dns/features/metadata/records.ts'
import { splitOf } from '../../../cluster-dns/features/split/named.ts'
import { srvRank } from '../../../cluster-dns/features/srv/rank.ts'
import { endpointsTtl, importTtl, serviceTtl, splitTtl, type TtlChoice } from '../../../cluster-dns/features/ttl/ttl.ts'
import type { SrvRank } from '../../../cluster-dns/lookup/endpoints.ts'
import { clusterIPOwner } from '../../../cluster-dns/lookup/lookup.ts'
import type { ClusterName, ServiceNameParts } from '../../../cluster-dns/names/cluster-name.ts'
import type { Answer } from '../../../cluster-dns/records/answers.ts'
import type { EndpointSlice, Service, ServiceImport } from '../../../k8s/model/types.ts'
import { objectOf, problemText } from '../annotation-report/report.ts'

/** Who decides about the TTL at the place; undefined where nothing but the option does. */
export function choiceAt(context: ClusterContext, place: ClusterName): TtlChoice | undefined {
  const { view } = context
  if (place.kind === 'service') {
    const { imported, namespace, service: name } = place
    const service = imported ? view.serviceImport(namespace, name) : view.service(namespace, name)
    return service && ttlAt(context, service, place)
  }
  if (place.kind !== 'reverse') return undefined
  const owner = clusterIPOwner(context, place.address)
  if (owner) return serviceTtl(context, owner)
  const owners = view
    .placesByAddress(place.address)
    .flatMap(({ slice }) => view.service(slice.namespace, slice.service) ?? [])
  const choices = owners.map((service) => endpointsTtl(context, service))
  return choices.toSorted((a, b) => a.seconds - b.seconds)[0]
}

function ttlAt(context: ClusterContext, service: Service | ServiceImport, place: ServiceNameParts): TtlChoice {
  if ('ips' in service) return importTtl(context, service)
  if (isGrpcConfig(place) || place.instance) return serviceTtl(context, service)
  if (place.endpoint !== '' || place.topology) return endpointsTtl(context, service)
  const backends = splitOf(context, service)
  return backends ? splitTtl(context, service, backends) : serviceTtl(context, service)
}

/** `choice`: undefined where nothing but the option decides. */
export function ttlLine({ settings }: ClusterContext, answer: Answer, choice: TtlChoice | undefined): string {
  const { seconds, source } = choice ?? { seconds: settings.ttl, source: 'option ttl' }
  const told = ttlOf(answer) ?? seconds
  return told === seconds
    ? `ttl ${told} (${source})`
    : `ttl ${told}, for it is limited here (else ${seconds}: ${source})`
}

/** Seconds; undefined of an answer without records. */
function ttlOf(answer: Answer): number | undefined {
  switch (answer.kind) {
    case 'addresses':
    case 'services':
    case 'chase':
      return answer.ttl
    case 'records':
      return answer.answer[0]?.ttl
    case 'variants':
    case 'choice':
      return answer.variants[0] && ttlOf(answer.variants[0].answer)
    default:
      return undefined
  }
}

/** Of the endpoints that the service's answers follow, where that makes a difference. */
export function settlingLines(context: ClusterContext, service: Service): string[] {
  const { settings, settling } = context
  if (!settings.adaptiveTtl) return []
  return (splitOf(context, service) ?? [service]).map(({ namespace, name }) => {
    const endpoints = `endpoints of ${namespace}/${name}`
    const why = settling.why(namespace, name)
    if (!why) return `${endpoints}: settled`
    const reasons = [
      ...(why.unready > 0 ? [`${why.unready} not ready or terminating`] : []),
      ...(why.changing === undefined
        ? []
        : [`changed of late, settled in ${Math.ceil(why.changing / 1000)} s unless they change again`]),
    ]
    return `${endpoints}: unsettled (${reasons.join('; ')})`
  })
}

/** Slices that lines are spent on. */
const mostSlices = 10

/** Where an annotation says it. */
export function rankLines(context: ClusterContext, service: Service, slices: readonly EndpointSlice[]): string[] {
  const ofSlices = slices.filter((slice) => {
    const { srvPriority, srvWeight } = context.annotations.slice(slice)
    return srvPriority !== undefined || srvWeight !== undefined
  })
  const left = ofSlices.length - mostSlices
  return [
    ...rankTexts('SRV', srvRank(context, service, undefined)),
    ...ofSlices
      .slice(0, mostSlices)
      .flatMap((slice) => rankTexts(`SRV of ${slice.name}`, srvRank(context, service, slice))),
    ...(left > 0 ? [`${left} more slices have a rank of their own`] : []),
  ]
}

function rankTexts(what: string, rank: SrvRank | undefined): string[] {
  const parts = (['priority', 'weight'] as const).flatMap((key) => {
    const choice = rank?.[key]
    return choice ? [`${key} ${choice.value} (${choice.source})`] : []
  })
  return parts.length > 0 ? [`${what}: ${parts.join(', ')}`] : []
}

/** Of the service, its slices and its namespace. */
export function problemLines(context: ClusterContext, namespace: string, name: string): string[] {
  const problems = [...namespaceProblems(context, namespace), ...serviceProblems(context, namespace, name)]
  return problems.map((problem) => `${objectOf(problem)}: ${problemText(problem)}`)
}

/** Of a name that is missing: that clients wait for it, although `explain` does not. */
export function holdLines(context: ClusterContext, zone: string, name: string, type: number): string[] {
  const awaited = awaitedAt(context, zone, name, type)
  if (!awaited) return []
  const { namespace, service, milliseconds } = awaited
  return [`waited for, up to ${milliseconds / 1000} s (annotation hold of Service ${namespace}/${service})`]
}
