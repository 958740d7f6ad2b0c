/** From the annotations of an object to what they ask for. An annotation that is wrong is left out by itself. */
import type { EndpointSlice, Namespace, Service } from '../../k8s/model/types.ts'
import {
  type AnnotatedKind,
  type Annotation,
  type AnnotationGroup,
  type Flaw,
  groupStart,
  isGroup,
  keyOf,
  type ObjectAnnotations,
  type Parsed,
  type Problem,
} from './annotation.ts'

/** Reads an object once: objects of the model never change, they are replaced. */
export interface AnnotationReader {
  /** What keys begin with, without the slash; undefined where annotations are off. */
  readonly prefix: string | undefined
  service(service: Service): ObjectAnnotations
  namespace(namespace: Namespace): ObjectAnnotations
  slice(slice: EndpointSlice): ObjectAnnotations
}

type Texts = Readonly<Record<string, string>>
type Annotated = Pick<Service, 'annotations' | 'annotationsLeftOut'>

const noAnnotations: ObjectAnnotations = { get: () => undefined, problems: [] }

/** Of a configuration with `annotations off`. */
const blindReader: AnnotationReader = {
  prefix: undefined,
  service: () => noAnnotations,
  namespace: () => noAnnotations,
  slice: () => noAnnotations,
}

/** Every annotation that is read, those of features/index.ts: an annotation may ask for the values of those before it. */
export type KnownAnnotations = readonly Annotation<unknown>[]

/** `prefix`: what keys begin with, without the slash. */
export function createAnnotationReader(prefix: string | undefined, known: KnownAnnotations): AnnotationReader {
  if (prefix === undefined) return blindReader
  return {
    prefix,
    service: createCachedReader('Service', prefix, known),
    namespace: createCachedReader('Namespace', prefix, known),
    slice: createCachedReader('EndpointSlice', prefix, known),
  }
}

/** Problems that are kept of one object: a tenant may write thousands of annotations. */
const maxProblems = 16

/** Most objects have no annotation of ours (the control plane writes others on EndpointSlices): they are not kept. */
function createCachedReader(
  kind: AnnotatedKind,
  prefix: string,
  known: KnownAnnotations,
): (object: Annotated) => ObjectAnnotations {
  const read = new WeakMap<object, ObjectAnnotations>()
  const starts = keyStarts(prefix, known)
  return (object) => {
    const { annotationsLeftOut: leftOut } = object
    if (leftOut !== undefined)
      return { get: () => undefined, problems: [{ key: `${prefix}/*`, reason: 'refused', rule: leftOut.rule }] }
    if (!hasKeyBelow(object.annotations, starts)) return noAnnotations
    let annotations = read.get(object)
    if (!annotations) {
      annotations = readAnnotations(kind, prefix, object.annotations, known)
      read.set(object, annotations)
    }
    return annotations
  }
}

/** What the keys that are read begin with. */
export const keyStarts = (prefix: string, known: KnownAnnotations): readonly string[] => [
  `${prefix}/`,
  ...known.filter(isGroup).map((group) => groupStart(group, prefix)),
]

function hasKeyBelow(texts: Texts, starts: readonly string[]): boolean {
  for (const key in texts) for (const start of starts) if (key.startsWith(start)) return true
  return false
}

function readAnnotations(
  kind: AnnotatedKind,
  prefix: string,
  texts: Texts,
  known: KnownAnnotations,
): ObjectAnnotations {
  const values = new Map<Annotation<unknown>, unknown>()
  const get = <T>(annotation: Annotation<T>): T | undefined => values.get(annotation) as T | undefined
  const problems: Problem[] = []
  for (const annotation of known) {
    if (!annotation.on.includes(kind)) continue
    const key = isGroup(annotation) ? groupStart(annotation, prefix) : keyOf(annotation, prefix)
    const result = isGroup(annotation)
      ? parseGroup(annotation, key, texts, { get })
      : Object.hasOwn(texts, key)
        ? annotation.parse(texts[key])
        : undefined
    if (!result) continue
    if (result.ok) values.set(annotation, result.value)
    const flaws = result.ok ? (result.flaws ?? []) : [result]
    for (const flaw of flaws) problems.push({ key, ...problemOf(flaw) })
  }
  problems.push(...unknownKeys(kind, prefix, texts, known))
  return { get, problems: problems.slice(0, maxProblems) }
}

const problemOf = ({ key, reason, rule, inPart }: Flaw): Omit<Problem, 'key'> & Partial<Pick<Problem, 'key'>> => ({
  ...(key !== undefined && { key }),
  reason,
  rule,
  ...(inPart && { inPart }),
})

/** Undefined where no key is of the group. */
function parseGroup<T>(
  group: AnnotationGroup<T>,
  start: string,
  texts: Texts,
  values: Pick<ObjectAnnotations, 'get'>,
): Parsed<T> | undefined {
  const keys = Object.keys(texts).filter((key) => key.startsWith(start))
  if (keys.length === 0) return undefined
  const entries = keys.sort().map((key) => ({ key, word: key.slice(start.length), text: texts[key] }))
  return group.parseGroup(entries, values)
}

/** Whatever else is below the prefix is a mistake. */
function unknownKeys(kind: AnnotatedKind, prefix: string, texts: Texts, known: KnownAnnotations): Problem[] {
  const allowed = known.filter(({ on }) => on.includes(kind))
  const keys = new Set(allowed.flatMap((annotation) => (isGroup(annotation) ? [] : [keyOf(annotation, prefix)])))
  const names = allowed.flatMap((annotation) => (isGroup(annotation) ? [] : [annotation.key]))
  const rule = `unknown key: below ${prefix}/ ${objectOf[kind]} may have ${names.join(', ')}`
  const refusedGroups = known.filter(isGroup).filter(({ on }) => !on.includes(kind))
  return Object.keys(texts).flatMap((key): Problem[] => {
    if (key.startsWith(`${prefix}/`)) return keys.has(key) ? [] : [{ key, reason: 'unknown', rule }]
    const group = refusedGroups.find((candidate) => key.startsWith(groupStart(candidate, prefix)))
    if (!group) return []
    return [{ key, reason: 'unknown', rule: `not allowed on ${objectOf[kind]}, only on a ${group.on.join(' or ')}` }]
  })
}

const objectOf: Readonly<Record<AnnotatedKind, string>> = {
  Service: 'a Service',
  Namespace: 'a Namespace',
  EndpointSlice: 'an EndpointSlice',
}
