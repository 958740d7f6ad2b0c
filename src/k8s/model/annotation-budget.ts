/**
 * Limits the annotations of all objects of a cluster. A tenant may write 256 KiB of them on each of thousands of Services, and
 * their contents are kept twice more: parsed, and in answers.
 */
import type { LeftOut, Resource } from './types.ts'

/** Octets of all objects; those of one namespace may take a quarter. A tenth of what a default pod has left. */
const most = 8 * 2 ** 20
const mostOfNamespace = most / 4
/** Octets of an object that are not counted, so that ordinary annotations are always read. */
const free = 1024

export interface Annotated {
  /** Absent for a Namespace, whose own they are. */
  readonly namespace?: string
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** Present where they are left out. */
  readonly annotationsLeftOut?: LeftOut
}

const none: Annotated['annotations'] = Object.freeze({})

const rule = `the annotations of a cluster may take ${most / 2 ** 20} MiB, those of a namespace a quarter of it, where an object has more than ${free} octets`

export interface AnnotationBudget {
  /** The object to be kept instead of `before`: with its annotations if they fit, otherwise without, and with the reason. */
  admit<T extends Annotated>(before: T | undefined, object: T): T
  /** `after` is now kept instead of `before`. */
  replaced(resource: Resource, before: Annotated | undefined, after: Annotated | undefined): void
  /** Objects whose omitted annotations would fit now. The annotations are not stored, so the objects must be read again. */
  fitting(resource: Resource): readonly Annotated[]
  /** Whether the object is still one of them. */
  isFitting(object: Annotated): boolean
  /** Calls `call` when more octets are free than before and annotations have been omitted. */
  onRoom(call: () => void): { remove(): void }
}

export function createAnnotationBudget(): AnnotationBudget {
  const namespaces = new Map<string, number>()
  const leftOut = new Map<Annotated, Resource>()
  const calls = new Set<() => void>()
  let used = 0

  function charge(object: Annotated, octets: number): void {
    if (octets === 0) return
    const key = ownerOf(object)
    const own = (namespaces.get(key) ?? 0) + octets
    if (own > 0) namespaces.set(key, own)
    else namespaces.delete(key)
    used += octets
  }

  const fits = (object: Annotated, growth: number): boolean =>
    used + growth <= most && (namespaces.get(ownerOf(object)) ?? 0) + growth <= mostOfNamespace

  function isFitting(object: Annotated): boolean {
    return leftOut.has(object) && fits(object, object.annotationsLeftOut?.octets ?? 0)
  }

  return {
    admit(before, object) {
      const octets = costOf(object)
      if (octets === 0 || fits(object, octets - (before === undefined ? 0 : costOf(before)))) return object
      return { ...object, annotations: none, annotationsLeftOut: { rule, octets } }
    },
    replaced(resource, before, after) {
      const usedBefore = used
      if (before !== undefined) {
        charge(before, -costOf(before))
        leftOut.delete(before)
      }
      if (after !== undefined) {
        charge(after, costOf(after))
        if (after.annotationsLeftOut !== undefined) leftOut.set(after, resource)
      }
      if (used < usedBefore && leftOut.size > 0) for (const call of calls) call()
    },
    fitting: (resource) => [...leftOut].flatMap(([object, of]) => (of === resource && isFitting(object) ? object : [])),
    isFitting,
    onRoom(call) {
      calls.add(call)
      return { remove: () => calls.delete(call) }
    },
  }
}

const ownerOf = ({ namespace, name }: Annotated): string => namespace ?? name

function costOf({ annotations }: Annotated): number {
  let octets = 0
  for (const key in annotations) octets += Buffer.byteLength(key) + Buffer.byteLength(annotations[key])
  return octets > free ? octets : 0
}
