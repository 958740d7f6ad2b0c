/** Reads a zone's files: regular files of limited size; `$INCLUDE` only within the folder of the first one. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve, sep } from 'node:path'
import type { ResourceRecord } from '../dns/message.ts'
import { isSubdomain, lowerName } from '../dns/name.ts'
import { type ZoneText, zoneRecords } from '../dns/zone-file/index.ts'
import { errorMessage } from '../telemetry/error-text.ts'

/** Octets of a zone's files in total: ten million short records. They are read piece by piece. */
const maxZoneOctets = 256 * 1024 * 1024
/** Octets per read: less than a millisecond of work. */
const pieceOctets = 16 * 1024
/** Octets of a line. */
const maxLineOctets = 1024 * 1024

export interface ZoneFiles {
  readonly first: ZoneText
  /** Modification time of the first file: milliseconds since 1970. */
  readonly modifiedAt: number
  /** Throws RangeError if the file cannot be read. */
  include(path: string, from: string): ZoneText
  /** Size and modification time of every file read so far, as one string. */
  version(): string
}

/** Throws an error of node:fs, or RangeError for a file that may not be read. */
export function openZoneFiles(path: string): ZoneFiles {
  let left = maxZoneOctets
  const versions = new Map<string, string>()
  const folder = dirname(path)

  function take(file: string): string {
    // Before anything can fail, so that a file that appears later is noticed.
    versions.set(file, versionOf(file))
    const facts = statSync(file)
    if (!facts.isFile()) throw new RangeError(`${file} is not a regular file`)
    left -= facts.size
    if (left < 0) throw new RangeError(`the files of the zone exceed ${maxZoneOctets} octets`)
    return file
  }

  const modifiedAt = timeOfChange(path)
  return {
    first: { file: path, pieces: piecesOf(take(path)) },
    modifiedAt,
    include(written, from) {
      const file = resolve(dirname(from), written)
      const inside = relative(folder, file)
      if (isAbsolute(inside) || inside === '..' || inside.startsWith(`..${sep}`))
        throw new RangeError(`${file} is not in the folder of the zone file, ${folder}`)
      try {
        return { file, pieces: piecesOf(take(file)) }
      } catch (error) {
        throw new RangeError(`cannot read ${file}: ${errorMessage(error)}`)
      }
    },
    version: () => [...versions].map(([file, version]) => `${file} ${version}`).join('\n'),
  }
}

/** The text of a file in whole lines, as of its opening. Throws an error of node:fs, or RangeError. */
function* piecesOf(path: string): Generator<string, void, undefined> {
  const file = openSync(path, 'r')
  try {
    // A file that is being appended to might never end.
    let left = fstatSync(file).size
    let rest: Buffer = Buffer.alloc(0)
    while (left > 0) {
      const octets = Buffer.allocUnsafeSlow(Math.min(pieceOctets, left))
      const count = readSync(file, octets)
      if (count === 0) break
      left -= count
      const whole = Buffer.concat([rest, octets.subarray(0, count)])
      const end = whole.lastIndexOf(0x0a) + 1
      if (end > 0) yield whole.toString('utf8', 0, end)
      rest = whole.subarray(end)
      if (rest.length > maxLineOctets) throw new RangeError(`${path} has a line of more than ${maxLineOctets} octets`)
    }
    if (rest.length > 0) yield rest.toString('utf8')
  } finally {
    closeSync(file)
  }
}

/** The current version of the files of an earlier `version()`. */
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

/** The records of a zone's file, all within the zone. Throws an Error that says what is wrong. */
export function* readZoneFile(
  path: string,
  zone: string,
  maxRecords: number,
): Generator<ResourceRecord, void, undefined> {
  const { first, include } = openZoneFiles(path)
  for (const record of zoneRecords(first.pieces, { zone, file: first.file, maxRecords, include })) {
    if (!isSubdomain(zone, lowerName(record.name)))
      throw new RangeError(`${path}: the record of ${record.name} is outside of the zone ${zone}`)
    yield record
  }
}
