/** One annotation: its key, the objects it is allowed on, and how its text is read. */

/** Kinds of objects whose annotations are read. */
export type AnnotatedKind = 'Service' | 'Namespace' | 'EndpointSlice'

export type Annotation<T> = NamedAnnotation<T> | AnnotationGroup<T>

/** One key: `slicedns.io/ttl`. */
export interface NamedAnnotation<T> {
  /** What follows the prefix: `ttl`. */
  readonly key: string
  readonly on: readonly AnnotatedKind[]
  parse(text: string): Parsed<T>
}

/** All keys below one prefix, which have one value together: `txt.slicedns.io/KEY`. */
export interface AnnotationGroup<T> {
  /** What precedes the prefix: `txt`. */
  readonly group: string
  readonly on: readonly AnnotatedKind[]
  /** `entries`: sorted by key. `values`: of the annotations that the list of features names before this one. */
  parseGroup(entries: readonly AnnotationEntry[], values: AnnotationValues): Parsed<T>
}

export interface AnnotationEntry {
  /** The whole key. */
  readonly key: string
  /** What follows the slash. */
  readonly word: string
  readonly text: string
}

/** What the annotations of one object ask for. */
export interface AnnotationValues {
  /** Undefined where the annotation is absent or ignored. */
  get<T>(annotation: Annotation<T>): T | undefined
}

export interface ObjectAnnotations extends AnnotationValues {
  /** One for each annotation that is ignored, or takes effect in part. */
  readonly problems: readonly Problem[]
}

/** What the text of an annotation stands for, or why it is ignored. */
export type Parsed<T> =
  /** `flaws`: parts of the text that are left out. */
  { readonly ok: true; readonly value: T; readonly flaws?: readonly Flaw[] } | ({ readonly ok: false } & Flaw)

export interface Flaw {
  /** A word for the metric's label. */
  readonly reason: ProblemReason
  /** What would be right, for people: it follows `annotation KEY "VALUE" is ignored: `. */
  readonly rule: string
  /** The rest of the text is in effect. */
  readonly inPart?: boolean
  /** The whole key, where several keys share one value. */
  readonly key?: string
}

/**
 * syntax: the text cannot be read. range: a number is beyond its limits. unknown: there is no such key. refused: the
 * text is valid, but not allowed on this object. advice: the annotation is in effect, but hardly as intended.
 */
export type ProblemReason = 'syntax' | 'range' | 'unknown' | 'refused' | 'advice'

export interface Problem {
  /** The whole key: `slicedns.io/ttl`. */
  readonly key: string
  readonly reason: ProblemReason
  readonly rule: string
  /** The rest of the annotation is in effect. */
  readonly inPart?: boolean
}

export const parsed = <T>(value: T): Parsed<T> => ({ ok: true, value })

export const problem = (reason: ProblemReason, rule: string): Parsed<never> => ({ ok: false, reason, rule })

/** `prefix`: what keys begin with, without the slash. */
export const keyOf = ({ key }: { readonly key: string }, prefix: string): string => `${prefix}/${key}`

/** The start of all keys of the group. */
export const groupStart = ({ group }: { readonly group: string }, prefix: string): string => `${group}.${prefix}/`

export const isGroup = (annotation: Annotation<unknown>): annotation is AnnotationGroup<unknown> =>
  'group' in annotation

/** A whole number from 0 to `most`. `of`: its unit, if it has one: ` of seconds`. */
export function parseWholeNumber(text: string, most: number, of = ''): Parsed<number> {
  const rule = `must be a whole number${of} from 0 to ${most}`
  const digits = text.trim()
  if (!/^[0-9]+$/.test(digits)) return problem('syntax', rule)
  const value = Number(digits)
  return value <= most ? parsed(value) : problem('range', rule)
}
