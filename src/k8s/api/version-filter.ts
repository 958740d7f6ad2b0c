/**
 * The versions of recently changed objects. The API server sends each change once and in order, but a proxy in between may
 * repeat or reorder them, and an object must not return to an old state.
 */
import { versionNumber } from './object-versions.ts'

export interface VersionFilter {
  /** False when a later version of the object was seen before. Versions that are not numbers count as newer. */
  isNewer(object: string, version: string): boolean
}

/** Repeats follow soon after the original: within the buffer of a proxy. */
const remembered = 512

export function createVersionFilter(): VersionFilter {
  const versions = new Map<string, number>()
  return {
    isNewer(object, text) {
      const version = versionNumber(text)
      if (version === undefined) return true
      const last = versions.get(object)
      if (last !== undefined && last > version) return false
      // Moved to the end, so that the first key of the map is the least recently seen one.
      versions.delete(object)
      versions.set(object, version)
      if (versions.size > remembered) versions.delete(versions.keys().next().value!)
      return true
    },
  }
}
