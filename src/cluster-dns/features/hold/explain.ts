/** What `slicedns explain` says of the annotation. */
import type { ExplainedName } from '../../annotations/feature.ts'
import type { ClusterContext } from '../../context.ts'
import { awaitedAt } from './awaited.ts'

/** Of a name that does not exist: clients wait for it, although `explain` does not. */
export function explainHold(context: ClusterContext, { zone, name, type, answer }: ExplainedName): string[] {
  const awaited = answer.kind === 'nxdomain' ? awaitedAt(context, zone, name, type) : undefined
  if (!awaited) return []
  const { namespace, service, milliseconds } = awaited
  return [`queries wait up to ${milliseconds / 1000} s for it (annotation hold of Service ${namespace}/${service})`]
}
