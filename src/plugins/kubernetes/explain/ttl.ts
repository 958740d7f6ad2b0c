/** Lines of `slicedns explain` about a TTL: its value, its source, and whether the endpoints are settled. */

import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { isGrpcConfig } from '../../../cluster-dns/features/grpc-config/config-name.ts'
import { splitOf } from '../../../cluster-dns/features/split/split-backends.ts'
import { endpointsTtl, importTtl, serviceTtl, splitTtl, type TtlChoice } from '../../../cluster-dns/features/ttl/ttl.ts'
import { clusterIPOwner } from '../../../cluster-dns/lookup/lookup.ts'
import type { ClusterName, ServiceNameParts } from '../../../cluster-dns/names/cluster-name.ts'
import type { Answer } from '../../../cluster-dns/records/answers.ts'
import type { Service, ServiceImport } from '../../../k8s/model/types.ts'

/** The source of the name's TTL; undefined where it is the option `ttl`. */
export function choiceAt(context: ClusterContext, clusterName: ClusterName): TtlChoice | undefined {
  const { view } = context
  if (clusterName.kind === 'service') {
    const { imported, namespace, service: name } = clusterName
    const service = imported ? view.serviceImport(namespace, name) : view.service(namespace, name)
    return service && choiceOfService(context, service, clusterName)
  }
  if (clusterName.kind !== 'reverse') return undefined
  const owner = clusterIPOwner(context, clusterName.address)
  if (owner) return serviceTtl(context, owner)
  const owners = view
    .endpointsByAddress(clusterName.address)
    .flatMap(({ slice }) => view.service(slice.namespace, slice.service) ?? [])
  const choices = owners.map((service) => endpointsTtl(context, service))
  return choices.toSorted((a, b) => a.seconds - b.seconds)[0]
}

function choiceOfService(
  context: ClusterContext,
  service: Service | ServiceImport,
  clusterName: ServiceNameParts,
): TtlChoice {
  if ('ips' in service) return importTtl(context, service)
  if (isGrpcConfig(clusterName) || clusterName.instance) return serviceTtl(context, service)
  if (clusterName.endpoint !== '' || clusterName.topology) return endpointsTtl(context, service)
  const backends = splitOf(context, service)
  return backends ? splitTtl(context, service, backends) : serviceTtl(context, service)
}

/** `choice`: undefined where the option `ttl` decides. */
export function ttlLine({ settings }: ClusterContext, answer: Answer, choice: TtlChoice | undefined): string {
  const { seconds, source } = choice ?? { seconds: settings.ttl, source: 'option ttl' }
  const ttl = ttlOf(answer) ?? seconds
  return ttl === seconds
    ? `ttl ${ttl} (${source})`
    : `ttl ${ttl}, limited for this answer (otherwise ${seconds}: ${source})`
}

/** Seconds; undefined for an answer without records. */
function ttlOf(answer: Answer): number | undefined {
  switch (answer.kind) {
    case 'addresses':
    case 'services':
    case 'services-choice':
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

/** With `adaptive_ttl`: whether the endpoints that the service's answers depend on are settled. */
export function settlingLines(context: ClusterContext, service: Service): string[] {
  const { settings, settling } = context
  if (!settings.adaptiveTtl) return []
  return (splitOf(context, service) ?? [service]).map(({ namespace, name }) => {
    const endpoints = `endpoints of ${namespace}/${name}`
    const why = settling.why(namespace, name)
    if (!why) return `${endpoints}: settled`
    const { unready, changing } = why
    const reasons = [
      ...(unready > 0 ? [`${unready} not ready or terminating`] : []),
      ...(changing === undefined
        ? []
        : [`changed recently, settled in ${Math.ceil(changing / 1000)} s without another change`]),
    ]
    return `${endpoints}: unsettled (${reasons.join('; ')})`
  })
}
