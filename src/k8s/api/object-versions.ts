/**
 * The last version of each object that the API server has sent, for the proof of freshness. A version keeps 30 bits of the
 * resourceVersion, a number (KEP-5504) that grows with every change in the cluster: the difference of two versions of one
 * object shows which is later, unless 500 million changes lie between them.
 */
export interface ObjectVersions {
  clear(): void
  set(namespace: string, name: string, resourceVersion: string): void
  remove(namespace: string, name: string): void
  /** Whether the object exists according to the API server. */
  has(namespace: string, name: string): boolean
  /** Whether this is the version of the object that was sent last. False if it is not a number. */
  isLast(namespace: string, name: string, resourceVersion: string): boolean
  /** Whether neither `resourceVersion` nor a later version of the object was sent. False if it is not a number. */
  lacks(namespace: string, name: string, resourceVersion: string): boolean
}

const span = 2 ** 30
/** The version of an object whose resourceVersion is not a number: it cannot be compared. */
const unknown = -1

/** Stores the versions of at most `most` objects. */
export function createObjectVersions(most: number): ObjectVersions {
  const namespaces = new Map<string, Map<string, number>>()
  let size = 0
  return {
    clear() {
      namespaces.clear()
      size = 0
    },
    set(namespace, name, resourceVersion) {
      let versions = namespaces.get(namespace)
      if (!versions?.has(name)) {
        if (size >= most) return
        size++
      }
      if (versions === undefined) {
        versions = new Map()
        namespaces.set(namespace, versions)
      }
      versions.set(name, versionOf(resourceVersion))
    },
    remove(namespace, name) {
      const versions = namespaces.get(namespace)
      if (!versions?.delete(name)) return
      size--
      if (versions.size === 0) namespaces.delete(namespace)
    },
    has: (namespace, name) => namespaces.get(namespace)?.has(name) ?? false,
    isLast(namespace, name, resourceVersion) {
      const version = versionOf(resourceVersion)
      return version !== unknown && namespaces.get(namespace)?.get(name) === version
    },
    lacks(namespace, name, resourceVersion) {
      const sent = namespaces.get(namespace)?.get(name) ?? unknown
      const version = versionOf(resourceVersion)
      if (sent === unknown || version === unknown) return false
      const ahead = (version - sent + span) % span
      return ahead > 0 && ahead < span / 2
    },
  }
}

function versionOf(resourceVersion: string): number {
  const number = versionNumber(resourceVersion)
  return number === undefined ? unknown : number % span
}

/** Undefined if it is not a number that JavaScript represents exactly. */
export const versionNumber = (resourceVersion: string): number | undefined =>
  /^\d{1,15}$/.test(resourceVersion) ? Number(resourceVersion) : undefined
