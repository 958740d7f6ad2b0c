/** Values read from files, and read again when these change: certificates that are renewed while the server runs. */
import { statSync } from 'node:fs'

export interface FollowedFiles<T> {
  /** The value of the files' current contents; the previous value if they cannot be read now. */
  current(): T
}

/**
 * Reads immediately, throwing exceptions of `read`. Later, files that `read` rejects (incomplete or missing) are reported to
 * `onFailure` and ignored until they change again. A check costs a stat(2) per path.
 */
export function followFiles<T>(
  paths: readonly string[],
  read: () => T,
  onFailure: (error: unknown) => void,
): FollowedFiles<T> {
  let seen = versionsOf(paths)
  let value = read()
  return {
    current() {
      const versions = versionsOf(paths)
      if (versions === seen) return value
      seen = versions
      try {
        value = read()
      } catch (error) {
        onFailure(error)
      }
      return value
    },
  }
}

/** Kubernetes replaces the files of a Secret through a symbolic link to another folder, so the link's target counts. */
function versionsOf(paths: readonly string[]): string {
  return paths.map(versionOf).join(' ')
}

/** If a file cannot be examined (missing, a loop of links, no rights), the reason: another reason is a change, too. */
function versionOf(path: string): string {
  try {
    const { mtimeMs, ino, size } = statSync(path)
    return `${mtimeMs} ${ino} ${size}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
