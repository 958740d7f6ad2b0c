/**
 * The beginning of a snapshot file: format, owner, time, and contents. The first line has the format, its version and the
 * SHA-256 of all octets after the line; then comes JSON, padded with spaces to `headerLength` octets.
 *
 *     slicedns-snapshot 2 9f86d081…
 *     {"time":1796000000000,"cluster":"…","options":"…","serials":{…},"sections":[{"resource":"services",…},…]}
 *
 * The sections follow, each a sequence of frames (frames.ts).
 */
import type { RestoredAvailability, Serials } from '../model/cluster-model.ts'
import type { Resource } from '../model/types.ts'
import type { BootTime } from './boot.ts'
import { SnapshotRefused } from './refusal.ts'

export interface SnapshotFacts {
  /** Milliseconds since 1970 when the API server last confirmed this state. */
  readonly time: number
  /** The same by a clock that cannot be set. Absent on systems without one. */
  readonly boot?: BootTime | undefined
  /** See identity.ts. */
  readonly cluster: string
  /** The UID of the Namespace kube-system. Absent if it was not known. */
  readonly uid?: string | undefined
  readonly options: string
  readonly serials: Serials
  readonly sections: readonly Section[]
}

export interface Section {
  readonly resource: Resource
  readonly availability: RestoredAvailability
  readonly objects: number
  readonly octets: number
}

/** Octets; six sections use a sixth of them. */
export const headerLength = 4096
const format = 'slicedns-snapshot'
const version = 2
const firstLine = new RegExp(`^${format} (\\d{1,9}) ([0-9a-f]{64})\\n`)
/** Length of the first line including its end. */
export const checksumEnd = `${format} ${version} \n`.length + 64

/** Everything after the first line: the checksum begins here. */
export function headerRest(facts: SnapshotFacts): Buffer {
  return Buffer.from(JSON.stringify(facts).padEnd(headerLength - checksumEnd))
}

export function headerLine(checksum: string): Buffer {
  return Buffer.from(`${format} ${version} ${checksum}\n`)
}

/** Throws SnapshotRefused, naming `file`. */
export function parseHeader(
  octets: Buffer,
  file: string,
): { readonly facts: SnapshotFacts; readonly checksum: string } {
  const damaged = (what: string) => new SnapshotRefused('damaged', `${file} is damaged: ${what}`)
  const line = firstLine.exec(octets.toString('latin1', 0, checksumEnd + 9))
  if (line === null) throw damaged('it does not begin as a snapshot does')
  if (Number(line[1]) !== version) {
    throw new SnapshotRefused('version', `${file} has version ${line[1]} of the format, this server reads ${version}`)
  }
  let parsed: unknown
  try {
    parsed = JSON.parse(octets.toString('utf8', checksumEnd, headerLength))
  } catch {
    throw damaged('its header does not read')
  }
  if (!isFacts(parsed)) throw damaged('its header is incomplete')
  return { facts: parsed, checksum: line[2] }
}

function isFacts(value: unknown): value is SnapshotFacts {
  const facts = fields(value)
  const serials = fields(facts.serials)
  return (
    isCount(facts.time) &&
    isBootTime(facts.boot) &&
    typeof facts.cluster === 'string' &&
    (facts.uid === undefined || typeof facts.uid === 'string') &&
    typeof facts.options === 'string' &&
    [serials.cluster, serials.multicluster, serials.external].every(isSerial) &&
    Array.isArray(facts.sections) &&
    facts.sections.every(isSection)
  )
}

function isBootTime(value: unknown): boolean {
  const { id, at } = fields(value)
  return value === undefined || (typeof id === 'string' && isCount(at))
}

function isSection(value: unknown): boolean {
  const { resource, availability, objects, octets } = fields(value)
  return (
    typeof resource === 'string' &&
    (availability === 'synced' || availability === 'forbidden') &&
    isCount(objects) &&
    isCount(octets)
  )
}

const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

const isSerial = (value: unknown): boolean => isCount(value) && (value as number) <= 0xffff_ffff
