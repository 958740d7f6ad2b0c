/** Finds the zone files of a directory by their names. */
import { type Dirent, readdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { lowerName, NameError, parseName } from '../../dns/name.ts'
import type { Pattern } from '../../regexp/index.ts'

/** Files of a directory that are looked at, and folders within each other. */
const maxFiles = 10_000
const maxDepth = 16
/** Names that are looked at between two rests. */
const filesAtOnce = 32

export interface FoundZones {
  /** Zone to path. The first file in the order of names counts. */
  readonly files: ReadonlyMap<string, string>
  /** What is wrong, a sentence each. */
  readonly problems: readonly string[]
}

export interface Naming {
  readonly pattern: Pattern
  readonly template: string
}

/** Looks into one folder at a time, and rests between them. */
export function* findZoneFiles(directory: string, naming: Naming): Generator<undefined, FoundZones, undefined> {
  const files = new Map<string, string>()
  const problems: string[] = []
  let left = maxFiles

  function* walk(folder: string, depth: number): Generator<undefined, void, undefined> {
    yield
    for (const entry of entriesOf(folder, problems)) {
      const path = join(folder, entry.name)
      // Folders of a ConfigMap or Secret: what they have stands beside them as symbolic links.
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

/** A folder that is a symbolic link is followed; none within it is, as in CoreDNS. */
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

/** The zone that a file's name stands for; undefined for a file of another kind. */
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
