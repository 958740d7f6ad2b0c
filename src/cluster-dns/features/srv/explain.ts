/** Where annotations set the priority or weight of a service's SRV records. */
import type { ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import type { SrvRank } from '../../lookup/endpoints.ts'
import { priorityAnnotation, weightAnnotation } from './parse.ts'
import { srvRank } from './rank.ts'

/** Slices that get a line each. */
const maxSlices = 10

export function explainRanks(context: ClusterContext, { service }: ExplainedName): string[] {
  const ranked = context.view.slices(service.namespace, service.name).filter((slice) => {
    const annotations = context.annotations.slice(slice)
    return annotations.get(priorityAnnotation) !== undefined || annotations.get(weightAnnotation) !== undefined
  })
  const rest = ranked.length - maxSlices
  return [
    ...rankLine('SRV', srvRank(context, service, undefined)),
    ...ranked
      .slice(0, maxSlices)
      .flatMap((slice) => rankLine(`SRV of ${slice.name}`, srvRank(context, service, slice))),
    ...(rest > 0 ? [`${rest} more slices set a priority or weight of their own`] : []),
  ]
}

function rankLine(what: string, rank: SrvRank | undefined): string[] {
  const parts = (['priority', 'weight'] as const).flatMap((field) => {
    const choice = rank?.[field]
    return choice ? [`${field} ${choice.value} (${choice.source})`] : []
  })
  return parts.length > 0 ? [`${what}: ${parts.join(', ')}`] : []
}
