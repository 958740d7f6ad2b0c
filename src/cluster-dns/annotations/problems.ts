/** What is wrong with the annotations of objects: everything that is ignored, and the rule that it breaks. */
import type { Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import { problemsOfAliases } from '../features/alias/claims.ts'
import { problemsOfEndpoints } from '../features/endpoints/names.ts'
import { problemsOfHold } from '../features/hold/names.ts'
import { problemsOfTexts } from '../features/metadata/records.ts'
import { problemsOfSplit } from '../features/split/named.ts'
import type { Problem } from './parsed.ts'

export interface ObjectProblem {
  readonly kind: 'Service' | 'Namespace' | 'EndpointSlice'
  /** '' of a Namespace. */
  readonly namespace: string
  readonly name: string
  /** Undefined where it is not kept. */
  readonly uid: string | undefined
  /** What the annotation says. */
  readonly value: string
  readonly problem: Problem
}

/** What cannot be told by looking at the annotation alone. `prefix`: what keys begin with, without the slash. */
type Rule = (context: ClusterContext, service: Service, prefix: string) => readonly Problem[]

const rules: readonly Rule[] = [
  problemsOfSplit,
  problemsOfAliases,
  problemsOfTexts,
  problemsOfEndpoints,
  problemsOfHold,
]

/** Of the Service, if there is one, and of its slices. */
export function serviceProblems(context: ClusterContext, namespace: string, name: string): ObjectProblem[] {
  const { view, annotations } = context
  const { prefix } = annotations
  if (prefix === undefined) return []
  const service = view.service(namespace, name)
  const found = service ? [...annotations.service(service).problems] : []
  for (const rule of service ? rules : []) found.push(...rule(context, service!, prefix))
  return [
    ...found.map((problem) => placed('Service', service!, problem)),
    ...view
      .slices(namespace, name)
      .flatMap((slice) => annotations.slice(slice).problems.map((problem) => placed('EndpointSlice', slice, problem))),
  ]
}

export function namespaceProblems({ view, annotations }: ClusterContext, name: string): ObjectProblem[] {
  const namespace = view.namespace(name)
  if (!namespace) return []
  const object = { ...namespace, namespace: '' }
  return annotations.namespace(namespace).problems.map((problem) => placed('Namespace', object, problem))
}

interface Annotated {
  readonly namespace: string
  readonly name: string
  readonly uid: string | undefined
  readonly annotations: Readonly<Record<string, string>>
}

function placed(kind: ObjectProblem['kind'], object: Annotated, problem: Problem): ObjectProblem {
  const { namespace, name, uid, annotations } = object
  // A rule may speak of an annotation that is not there.
  const value = Object.hasOwn(annotations, problem.key) ? annotations[problem.key] : ''
  return { kind, namespace, name, uid, value, problem }
}
