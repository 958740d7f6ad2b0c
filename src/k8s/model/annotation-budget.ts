/**
 * What the annotations of all objects of a cluster may take. A tenant may write 256 KiB of them on each of thousands of Services,
 * and what they say is kept twice more: as it was read, and in answers.
 */

/** Octets, of all objects and of those of one namespace: some thousand long texts, a tenth of what a default pod has left. */
const most = 8 * 2 ** 20
const mostOfNamespace = most / 4
/** Octets of an object that are not counted: usual annotations are always read. */
const free = 1024

export interface Annotated {
  /** Absent for a Namespace, whose own they are. */
  readonly namespace?: string
  readonly name: string
  readonly annotations: Readonly<Record<string, string>>
  /** Why they are left out. */
  readonly annotationsLeftOut?: string
}

const none: Annotated['annotations'] = Object.freeze({})

/** It follows `annotation KEY is ignored: `. */
const rule = `the annotations of a cluster may take ${most / 2 ** 20} MiB, those of a namespace a quarter of it, where an object has more than ${free} octets`

export interface AnnotationBudget {
  /** The object as it is kept in place of `before`: with its annotations where they fit, else without, and with the reason. */
  admit<T extends Annotated>(before: T | undefined, object: T): T
  /** `after` is kept in place of `before`. */
  replaced(before: Annotated | undefined, after: Annotated | undefined): void
}

export function createAnnotationBudget(): AnnotationBudget {
  const namespaces = new Map<string, number>()
  let used = 0

  function charge(object: Annotated, octets: number): void {
    if (octets === 0) return
    const key = ownerOf(object)
    const own = (namespaces.get(key) ?? 0) + octets
    if (own > 0) namespaces.set(key, own)
    else namespaces.delete(key)
    used += octets
  }

  return {
    admit(before, object) {
      const octets = costOf(object)
      if (octets === 0) return object
      const growth = octets - (before === undefined ? 0 : costOf(before))
      const own = namespaces.get(ownerOf(object)) ?? 0
      if (used + growth <= most && own + growth <= mostOfNamespace) return object
      return { ...object, annotations: none, annotationsLeftOut: rule }
    },
    replaced(before, after) {
      if (before !== undefined) charge(before, -costOf(before))
      if (after !== undefined) charge(after, costOf(after))
    },
  }
}

const ownerOf = ({ namespace, name }: Annotated): string => namespace ?? name

function costOf({ annotations }: Annotated): number {
  let octets = 0
  for (const key in annotations) octets += Buffer.byteLength(key) + Buffer.byteLength(annotations[key])
  return octets > free ? octets : 0
}
