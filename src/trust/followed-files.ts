/** What is read from files, and read again when they have changed: certificates that are renewed while the server runs. */
import { statSync } from 'node:fs'

export interface FollowedFiles<T> {
  /** What the files say now; what they said before where they cannot be read now. */
  current(): T
}

/**
 * Reads at once, and throws what `read` throws then. Later, files that `read` refuses (half written, or gone) are passed to
 * `onFailure` and left alone until they change again. Looking costs a stat(2) for each path.
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

/** Kubernetes replaces the files of a Secret by a symbolic link to another folder: the file behind it counts. */
function versionsOf(paths: readonly string[]): string {
  return paths.map(versionOf).join(' ')
}

/** Of a file that cannot be looked at (gone, a loop of links, no rights) the reason: that another one comes is a change, too. */
function versionOf(path: string): string {
  try {
    const { mtimeMs, ino, size } = statSync(path)
    return `${mtimeMs} ${ino} ${size}`
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
