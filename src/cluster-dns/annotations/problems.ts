/** What is wrong with the annotations of objects: everything that is ignored, and the rule that it breaks. */
import type { ClusterContext } from '../context.ts'
import { features } from '../features/index.ts'
import type { AnnotatedKind, Problem } from './annotation.ts'

export interface ObjectProblem {
  readonly kind: AnnotatedKind
  /** '' of a Namespace. */
  readonly namespace: string
  readonly name: string
  /** Undefined where it is not kept. */
  readonly uid: string | undefined
  /** The annotation's text. */
  readonly value: string
  readonly problem: Problem
}

/** Problems of the Service, if it exists, and of its slices. */
export function serviceProblems(context: ClusterContext, namespace: string, name: string): ObjectProblem[] {
  const { view, annotations } = context
  const { prefix } = annotations
  if (prefix === undefined) return []
  const service = view.service(namespace, name)
  const ofService = service
    ? [
        ...annotations.service(service).problems,
        ...features.flatMap((feature) => feature.validate?.(context, service, prefix) ?? []),
      ]
    : []
  return [
    ...ofService.map((problem) => toObjectProblem('Service', service!, problem)),
    ...view
      .slices(namespace, name)
      .flatMap((slice) =>
        annotations.slice(slice).problems.map((problem) => toObjectProblem('EndpointSlice', slice, problem)),
      ),
  ]
}

export function namespaceProblems({ view, annotations }: ClusterContext, name: string): ObjectProblem[] {
  const namespace = view.namespace(name)
  if (!namespace) return []
  const object = { ...namespace, namespace: '' }
  return annotations.namespace(namespace).problems.map((problem) => toObjectProblem('Namespace', object, problem))
}

interface AnnotatedObject {
  readonly namespace: string
  readonly name: string
  readonly uid: string | undefined
  readonly annotations: Readonly<Record<string, string>>
}

function toObjectProblem(kind: AnnotatedKind, object: AnnotatedObject, problem: Problem): ObjectProblem {
  const { namespace, name, uid, annotations } = object
  // A rule may speak of an annotation that is not there.
  const value = Object.hasOwn(annotations, problem.key) ? annotations[problem.key] : ''
  return { kind, namespace, name, uid, value, problem }
}
