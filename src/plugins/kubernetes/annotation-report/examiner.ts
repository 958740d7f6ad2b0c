/** Looks at the annotations of each object that is compiled, as one configuration reads them, and reports what is wrong. */

import { namespaceProblems, type ObjectProblem, serviceProblems } from '../../../cluster-dns/annotations/problems.ts'
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { isShown } from '../../../cluster-dns/lookup/visibility.ts'
import { errorStack } from '../../../telemetry/error-text.ts'
import type { AnnotationReport } from './report.ts'

export interface AnnotationValidator {
  /** Of a Service and its slices, whether it is there or not. */
  service(namespace: string, name: string): void
  namespace(name: string): void
  stop(): void
}

export function createAnnotationValidator(
  context: ClusterContext,
  report: Pick<AnnotationReport, 'found' | 'leave'>,
  fail: (text: string) => void,
): AnnotationValidator {
  const instance = Symbol('kubernetes')

  /** Names are published whatever becomes of this. */
  function examine(owner: string, namespace: string, find: () => readonly ObjectProblem[]): void {
    try {
      report.found(instance, owner, isShown(context, namespace) ? find() : [])
    } catch (error) {
      fail(`the annotations of ${owner} cannot be examined: ${errorStack(error)}`)
    }
  }

  return {
    service: (namespace, name) =>
      examine(`Service ${namespace}/${name}`, namespace, () => serviceProblems(context, namespace, name)),
    namespace: (name) => examine(`Namespace ${name}`, name, () => namespaceProblems(context, name)),
    stop: () => report.leave(instance),
  }
}
