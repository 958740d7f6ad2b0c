/** Reads a zone's files: bounded, regular files, and for `$INCLUDE` only what lies in the folder of the first one. */
import { readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, lowerName } from '../dns/name.ts'
import { type ZoneText, zoneRecords } from '../dns/zone-file/index.ts'
import { errorMessage } from '../telemetry/error-text.ts'

/** Octets of a zone's files together: a million short records. What is larger would not fit the memory of a pod. */
const maxZoneOctets = 32 * 1024 * 1024

export interface ZoneFiles {
  readonly first: ZoneText
  /** Time of change of the first file: milliseconds since 1970. */
  readonly modifiedAt: number
  /** Throws RangeError with why the file cannot be read. */
  include(path: string, from: string): ZoneText
  /** Size and time of change of every file that has been read, as one string. */
  version(): string
}

/** Throws an error of node:fs, or RangeError for a file that may not be read. */
export function openZoneFiles(path: string): ZoneFiles {
  let left = maxZoneOctets
  const versions = new Map<string, string>()
  const folder = dirname(path)

  function read(file: string): string {
    // Before anything can fail: a file that appears later is looked for.
    versions.set(file, versionOf(file))
    const facts = statSync(file)
    if (!facts.isFile()) throw new RangeError(`${file} is not a regular file`)
    left -= facts.size
    if (left < 0) throw new RangeError(`the files of the zone exceed ${maxZoneOctets} octets`)
    return readFileSync(file, 'utf8')
  }

  const modifiedAt = timeOfChange(path)
  return {
    first: { file: path, text: read(path) },
    modifiedAt,
    include(written, from) {
      const file = resolve(dirname(from), written)
      const inside = relative(folder, file)
      if (isAbsolute(inside) || inside === '..' || inside.startsWith(`..${sep}`))
        throw new RangeError(`${file} is not in the folder of the zone file, ${folder}`)
      try {
        return { file, text: read(file) }
      } catch (error) {
        throw new RangeError(`cannot read ${file}: ${errorMessage(error)}`)
      }
    },
    version: () => [...versions].map(([file, version]) => `${file} ${version}`).join('\n'),
  }
}

/** The same of the files of an earlier `version()`, as they are now. */
export const versionNow = (version: string): string =>
  version
    .split('\n')
    .map((line) => line.split(' ').slice(0, -2).join(' '))
    .map((file) => `${file} ${versionOf(file)}`)
    .join('\n')

/** Milliseconds since 1970. Throws an error of node:fs. */
export const timeOfChange = (file: string): number => statSync(file).mtimeMs

/** Two words: `TIME SIZE`, or `no file`. */
function versionOf(file: string): string {
  try {
    const facts = statSync(file)
    return `${facts.mtimeMs} ${facts.size}`
  } catch {
    return 'no file'
  }
}

/** The records of a zone's file, each of them in the zone. Throws an Error with what is wrong. */
export function* readZoneFile(
  path: string,
  zone: string,
  maxRecords: number,
): Generator<ResourceRecord, void, undefined> {
  const { first, include } = openZoneFiles(path)
  for (const record of zoneRecords(first.text, { zone, file: first.file, maxRecords, include })) {
    if (!isSubdomain(zone, lowerName(record.name)))
      throw new RangeError(`${path}: the record of ${record.name} is outside of the zone ${zone}`)
    yield record
  }
}
