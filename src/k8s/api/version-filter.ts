/**
 * The versions of the objects that changed last. The API server sends changes in order and once; what stands between may
 * not, and an object must not go back to what it was.
 */
export interface VersionFilter {
  /** False when a later version of the object was seen before. Versions that are no numbers are all new. */
  isNewer(object: string, version: string): boolean
}

/** Repeats come close behind: within the buffer of some proxy. */
const remembered = 512

export function createVersionFilter(): VersionFilter {
  const versions = new Map<string, number>()
  return {
    isNewer(object, text) {
      const version = /^\d{1,15}$/.test(text) ? Number(text) : undefined
      if (version === undefined) return true
      const last = versions.get(object)
      if (last !== undefined && last > version) return false
      // Moved to the end: the first of the map is the one seen longest ago.
      versions.delete(object)
      versions.set(object, version)
      if (versions.size > remembered) versions.delete(versions.keys().next().value!)
      return true
    },
  }
}
