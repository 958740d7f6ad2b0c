/**
 * The zone on disk: an append-only file. It begins with a magic line and the zone's name. Each entry is a length, a
 * checksum, and the records that an update removed and added; the first entry holds the whole zone. An entry is synced
 * before its update is answered, so an update whose entry a crash cut off was never answered. When the changes outweigh
 * the zone, a compacted file is written beside it and renamed.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, statSync } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import { dnsClass } from '../../dns/codes.ts'
import { validRdata } from '../../dns/layout.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { nameEnd, nameToWire, wireToName } from '../../dns/name.ts'
import { join, readUint16, readUint32, uint16, uint32 } from '../../dns/values.ts'

export interface Change {
  readonly removed: readonly ResourceRecord[]
  readonly added: readonly ResourceRecord[]
}

export interface Replayed {
  readonly zone: string
  readonly changes: readonly Change[]
  /** Octets of the file up to the end of its last whole entry. */
  readonly length: number
  /** Octets after it that a crash left. */
  readonly torn: number
}

const magic = 'slicedns-dynupdate-1\n'
/** The head of an entry: its length, and its checksum. */
const entryHead = 8
/** The smallest record is one of the root without rdata; the smallest entry is two counts of 0. */
const leastRecord = 9
const leastEntry = entryHead + 8
/**
 * Octets whose checksum is computed in search of an entry after a damaged one; beyond that the file counts as damaged.
 */
const maxSearchOctets = 256 * 1024 * 1024
/** Octets of changes, beyond those of the zone, from which the file is compacted. */
const slack = 1024 * 1024
/** The largest file that is read: the largest zone, and as many changes. */
const maxFileOctets = 256 * 1024 * 1024

/**
 * Reads the file; undefined where it does not exist. Throws an error of node:fs, or RangeError with a reason that follows
 * the name of the file (`is damaged at octet 30`).
 */
export function replay(path: string): Replayed | undefined {
  if (!existsSync(path)) return undefined
  const facts = statSync(path)
  if (!facts.isFile()) throw new RangeError('is not a regular file')
  if (facts.size > maxFileOctets) throw new RangeError(`exceeds ${maxFileOctets} octets`)
  const octets = readFileSync(path)
  const zoneEnd = octets.indexOf('\n', magic.length)
  if (!octets.subarray(0, magic.length).equals(Buffer.from(magic)) || zoneEnd < 0)
    throw new RangeError('is not a database of dynupdate')
  const zone = octets.toString('latin1', magic.length, zoneEnd)
  const changes: Change[] = []
  let at = zoneEnd + 1
  for (let end = entryEnd(octets, at); end !== undefined; end = entryEnd(octets, at)) {
    changes.push(readEntry(octets.subarray(at + entryHead, end)))
    at = end
  }
  const rest = octets.subarray(at)
  if (!isTorn(rest)) throw new RangeError(`is damaged at octet ${at}: restore it from a copy`)
  if (changes.length === 0) throw new RangeError('has no zone: remove it, so that it is created from the zone file')
  return { zone, changes, length: at, torn: rest.length }
}

/** Where the entry at `at` ends; undefined where it is incomplete or its checksum is wrong. */
function entryEnd(octets: Buffer, at: number): number | undefined {
  if (at + entryHead > octets.length) return undefined
  const end = at + entryHead + octets.readUInt32BE(at)
  if (end > octets.length || end === at + entryHead) return undefined
  return crc32(octets.subarray(at + entryHead, end)) === octets.readUInt32BE(at + 4) ? end : undefined
}

/**
 * Whether the rest of the file is an append that a crash cut off, or only allocated. Damage with entries after it is
 * not, even if the damaged length leads beyond the end of the file.
 */
function isTorn(rest: Buffer): boolean {
  if (rest.length < entryHead || rest.every((octet) => octet === 0)) return true
  return entryHead + rest.readUInt32BE(0) >= rest.length && !hasEntryWithin(rest)
}

/** Whether a complete entry begins anywhere after the first octet. */
function hasEntryWithin(rest: Buffer): boolean {
  let left = maxSearchOctets
  for (let at = 1; at + leastEntry <= rest.length; at++) {
    const length = rest.readUInt32BE(at)
    // An entry holds two counts, and each record takes some octets: the checksum is computed only where these fit.
    if (length < 8 || at + entryHead + length > rest.length) continue
    if (rest.readUInt32BE(at + entryHead) * leastRecord > length) continue
    left -= length
    if (left < 0 || entryEnd(rest, at) !== undefined) return true
  }
  return false
}

function readEntry(octets: Buffer): Change {
  let at = 0
  const records = (): ResourceRecord[] => {
    const list: ResourceRecord[] = []
    const count = readUint32(octets, at)
    at += 4
    for (let left = count; left > 0; left--) {
      const [record, end] = readRecord(octets, at)
      list.push(record)
      at = end
    }
    return list
  }
  const removed = records()
  const added = records()
  if (at !== octets.length) throw new RangeError('has an entry that is longer than its records')
  return { removed, added }
}

function readRecord(octets: Buffer, at: number): [ResourceRecord, number] {
  const nameEndAt = nameEnd(octets, at, octets.length)
  const rdataAt = nameEndAt + 8
  const end = rdataAt + (nameEndAt < 0 ? 0 : readUint16(octets, nameEndAt + 6))
  if (nameEndAt < 0 || end > octets.length) throw new RangeError('has a record that is cut off')
  const type = readUint16(octets, nameEndAt)
  const rdata = Uint8Array.from(octets.subarray(rdataAt, end))
  if (!validRdata(type, rdata)) throw new RangeError('has a malformed record')
  const ttl = readUint32(octets, nameEndAt + 2)
  return [{ name: wireToName(octets, at), type, class: dnsClass.IN, ttl, rdata }, end]
}

const writeRecord = ({ name, type, ttl, rdata }: ResourceRecord): Uint8Array =>
  join(nameToWire(name), uint16(type), uint32(ttl), uint16(rdata.length), rdata)

function entryOf({ removed, added }: Change): Uint8Array {
  const section = (records: readonly ResourceRecord[]) => join(uint32(records.length), ...records.map(writeRecord))
  const octets = join(section(removed), section(added))
  return join(uint32(octets.length), uint32(crc32(octets)), octets)
}

export interface Journal {
  /**
   * Resolves when the change is on disk; rejects where it could not be written. `after` gives the zone with the change.
   */
  append(change: Change, after: () => Iterable<ResourceRecord>): Promise<void>
  close(): Promise<void>
}

/** Opens the file for appending: the replayed one, or a new one with the whole zone. */
export async function openJournal(
  path: string,
  zone: string,
  replayed: Replayed | undefined,
  all: () => Iterable<ResourceRecord>,
): Promise<Journal> {
  let file: FileHandle | undefined
  let length = 0
  let snapshot = 0

  async function writeAnew(all: () => Iterable<ResourceRecord>): Promise<void> {
    const beside = `${path}.new`
    const octets = join(Buffer.from(`${magic}${zone}\n`, 'latin1'), entryOf({ removed: [], added: [...all()] }))
    const next = await open(beside, 'w', 0o600)
    try {
      await next.writeFile(octets)
      await next.sync()
      await rename(beside, path)
    } catch (error) {
      await next.close().catch(() => undefined)
      await unlink(beside).catch(() => undefined)
      throw error
    }
    const before = file
    file = next
    snapshot = octets.length
    length = octets.length
    await before?.close()
    syncFolder(path)
  }

  try {
    if (replayed) {
      file = await open(path, 'r+')
      if (replayed.torn > 0) await file.truncate(replayed.length)
      length = replayed.length
      snapshot = length
    } else await writeAnew(all)
  } catch (error) {
    // The next update opens it again.
    await file?.close().catch(() => undefined)
    throw error
  }

  /** Appends an entry, and truncates what a failed append leaves. */
  async function appendOctets(file: FileHandle, octets: Uint8Array): Promise<void> {
    try {
      await writeWhole(file, octets, length)
      await file.datasync()
      length += octets.length
    } catch (error) {
      await file.truncate(length)
      throw error
    }
  }

  return {
    async append(change, after) {
      await appendOctets(file as FileHandle, entryOf(change))
      // The change is on disk already: a failure to compact is tried again after the next one.
      if (length > 2 * snapshot + slack) await writeAnew(after).catch(() => undefined)
    },
    close: async () => file?.close(),
  }
}

/** A disk that is nearly full takes a part of the octets, and fails at the next write. */
async function writeWhole(file: FileHandle, octets: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < octets.length; ) {
    const { bytesWritten } = await file.write(octets, done, octets.length - done, position + done)
    if (bytesWritten === 0) throw new Error('no space left for the database')
    done += bytesWritten
  }
}

/** A rename is on disk once its folder is synced. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
