/** Validates the annotations of each compiled object with the settings of one configuration, and reports problems. */

import { namespaceProblems, type ObjectProblem, serviceProblems } from '../../../cluster-dns/annotations/problems.ts'
import type { ClusterContext } from '../../../cluster-dns/context.ts'
import { isShown } from '../../../cluster-dns/lookup/visibility.ts'
import { errorStack } from '../../../telemetry/error-text.ts'
import type { AnnotationReport } from './report.ts'

export interface AnnotationValidator {
  /** Validates a Service, which may have been deleted, and its slices. */
  service(namespace: string, name: string): void
  namespace(name: string): void
  stop(): void
}

export function createAnnotationValidator(
  context: ClusterContext,
  report: Pick<AnnotationReport, 'update' | 'leave'>,
  fail: (text: string) => void,
): AnnotationValidator {
  const instance = Symbol('kubernetes')

  /** A failure here must not keep names from being published. */
  function validate(owner: string, namespace: string, problems: () => readonly ObjectProblem[]): void {
    try {
      report.update(instance, owner, isShown(context, namespace) ? problems() : [])
    } catch (error) {
      fail(`validating the annotations of ${owner} failed: ${errorStack(error)}`)
    }
  }

  return {
    service: (namespace, name) =>
      validate(`Service ${namespace}/${name}`, namespace, () => serviceProblems(context, namespace, name)),
    namespace: (name) => validate(`Namespace ${name}`, name, () => namespaceProblems(context, name)),
    stop: () => report.leave(instance),
  }
}
