/** What is wrong with the annotation beyond its text. */
import type { Service } from '../../../k8s/model/types.ts'
import { keyOf, type Problem } from '../../annotations/annotation.ts'
import type { ClusterContext } from '../../context.ts'
import { splitAnnotation } from './parse.ts'
import { namedBackends, refusalOf } from './split-backends.ts'

export function validateSplit(context: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  const rule = refusalOf(context, service, namedBackends(context, service))
  return rule === undefined ? [] : [{ key: keyOf(splitAnnotation, prefix), reason: 'refused', rule }]
}
