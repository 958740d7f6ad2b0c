/**
 * A feature that objects ask for by annotation. The annotation reader, the problem report, `explain` and the README's
 * table are derived from the list of them (features/index.ts).
 */
import type { Service } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'
import type { ServiceNameParts } from '../names/cluster-name.ts'
import type { Answer } from '../records/answers.ts'
import type { Annotation, Problem } from './annotation.ts'

export interface AnnotationFeature {
  /** One, or several that belong together. Code that needs a value asks for it with `ObjectAnnotations.get`. */
  readonly annotations: readonly Annotation<unknown>[]
  /** Problems of a Service that its text alone does not show. `prefix`: what keys begin with, without the slash. */
  validate?(context: ClusterContext, service: Service, prefix: string): readonly Problem[]
  /** What `slicedns explain` says of a name of a service. */
  explain?(context: ClusterContext, name: ExplainedName): readonly string[]
  /** What `slicedns explain` says of a name (lower case) that leads to another one. */
  explainAlias?(context: ClusterContext, name: string): readonly string[]
  readonly documentation: AnnotationDocumentation
}

/** A name of a service as it is asked for, and its answer. */
export interface ExplainedName {
  readonly zone: string
  /** Lower case, in `zone`. */
  readonly name: string
  readonly type: number
  readonly clusterName: ServiceNameParts
  readonly service: Service
  readonly answer: Answer
}

/** The feature's row in the README's table. */
export interface AnnotationDocumentation {
  /** By annotation, in their order: a value, or what a value is. */
  readonly values: readonly string[]
  /** One line: what it does. */
  readonly effect: string
  /** The page about it, from the project's root. */
  readonly page?: string
}
