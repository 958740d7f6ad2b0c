/** Finds the zone files of a directory by their names. */
import { type Dirent, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { lowerName, NameError, parseName } from '../../dns/name.ts'
import type { Pattern } from '../../regexp/index.ts'

/** Bounds on the files of a directory, and on the depth of its folders. */
const maxFiles = 10_000
const maxDepth = 16
/** Names that are tested before each pause. */
const filesAtOnce = 32

export interface FoundZones {
  /** Zone to path. The first file of a zone in the order of names wins. */
  readonly files: ReadonlyMap<string, string>
  /** What is wrong, one sentence each. */
  readonly problems: readonly string[]
}

export interface Naming {
  readonly pattern: Pattern
  readonly template: string
}

/** Reads one folder at a time, and pauses in between. */
export function* findZoneFiles(directory: string, naming: Naming): Generator<undefined, FoundZones, undefined> {
  const files = new Map<string, string>()
  const problems: string[] = []
  let left = maxFiles

  function* walk(folder: string, depth: number): Generator<undefined, void, undefined> {
    yield
    for (const entry of entriesOf(folder, problems)) {
      const path = join(folder, entry.name)
      // The kubelet's folders of a ConfigMap or Secret: symbolic links beside them lead to their files.
      if (entry.name.startsWith('..')) continue
      if (entry.isDirectory()) {
        if (depth < maxDepth) yield* walk(path, depth + 1)
        else problems.push(`${path} is left out: it lies more than ${maxDepth} folders deep`)
        continue
      }
      if (left-- <= 0) return
      if (left % filesAtOnce === 0) yield
      add(entry.name, path)
    }
  }

  function add(name: string, path: string): void {
    try {
      const zone = zoneOf(name, naming)
      if (zone === undefined) return
      const other = files.get(zone)
      if (other !== undefined) problems.push(`${path} is left out: ${other} is the file of the zone ${zone}`)
      else files.set(zone, path)
    } catch (error) {
      if (!(error instanceof NameError)) throw error
      problems.push(`${path} is left out: ${error.message}`)
    }
  }

  yield* walk(realpathOf(directory), 0)
  if (left < 0) problems.push(`${directory} has more than ${maxFiles} files: those behind are left out`)
  return { files, problems }
}

/** The directory itself may be a symbolic link; links to folders within it are not followed, as in CoreDNS. */
function realpathOf(directory: string): string {
  try {
    return realpathSync(directory)
  } catch {
    return directory
  }
}

function entriesOf(folder: string, problems: string[]): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    problems.push(`cannot read ${folder}: ${(error as Error).message}`)
    return []
  }
}

/** The zone of a file name; undefined where the name does not match. */
function zoneOf(name: string, { pattern, template }: Naming): string | undefined {
  const groups = pattern.exec(name)
  if (!groups) return undefined
  const expanded = expand(template.replaceAll('{', '${'), (group) => {
    const number = /^\d+$/.test(group) ? Number(group) : pattern.groupNames.get(group)
    return (number === undefined ? undefined : groups[number]) ?? ''
  })
  return lowerName(parseName(expanded))
}

/** As Go's Regexp.Expand: `${1}` and `$1` are groups, `$$` is a dollar sign. */
const expand = (template: string, groupOf: (group: string) => string): string =>
  template.replaceAll(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar, braced, bare) => dollar ?? groupOf(braced ?? bare))
