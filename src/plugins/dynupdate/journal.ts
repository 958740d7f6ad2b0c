/**
 * The zone on disk: a file that is only appended to. It begins with a magic line and the zone's name; each entry after that is
 * its length, a checksum of its octets, and these: records that went and records that came. The first entry has the whole
 * zone. An entry is synced before the update that it is of is answered; what a crash has cut off was never answered.
 * When changes outweigh the zone, the file is written anew beside itself and renamed.
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
  /** Octets behind it that a crash has left. */
  readonly torn: number
}

const magic = 'slicedns-dynupdate-1\n'
/** Of an entry: its length, and its checksum. */
const entryHead = 8
/** The smallest record is one of the root without rdata; the smallest entry is two counts of 0. */
const leastRecord = 9
const leastEntry = entryHead + 8
/** Octets that are summed up in search of an entry behind a damaged one; beyond that the file counts as damaged. */
const maxSearchOctets = 256 * 1024 * 1024
/** Octets of changes, beyond those of the zone, from which the file is written anew. */
const slack = 1024 * 1024
/** Octets of a file that is read: the largest zone, and as many changes. */
const maxFileOctets = 256 * 1024 * 1024

/** Reads the file; undefined where it does not exist. Throws RangeError, or an error of node:fs. */
export function replay(path: string): Replayed | undefined {
  if (!existsSync(path)) return undefined
  const facts = statSync(path)
  if (!facts.isFile()) throw new RangeError('it is not a regular file')
  if (facts.size > maxFileOctets) throw new RangeError(`it exceeds ${maxFileOctets} octets`)
  const octets = readFileSync(path)
  const zoneEnd = octets.indexOf('\n', magic.length)
  if (!octets.subarray(0, magic.length).equals(Buffer.from(magic)) || zoneEnd < 0)
    throw new RangeError('it is not a database of dynupdate')
  const zone = octets.toString('latin1', magic.length, zoneEnd)
  const changes: Change[] = []
  let at = zoneEnd + 1
  for (let end = entryEnd(octets, at); end !== undefined; end = entryEnd(octets, at)) {
    changes.push(readEntry(octets.subarray(at + entryHead, end)))
    at = end
  }
  const rest = octets.subarray(at)
  if (!isTorn(rest)) throw new RangeError(`it is damaged at octet ${at}: restore it from a copy`)
  if (changes.length === 0)
    throw new RangeError('it has no zone: remove it, so that it is made from the file of the zone')
  return { zone, changes, length: at, torn: rest.length }
}

/** Where a whole and right entry ends. */
function entryEnd(octets: Buffer, at: number): number | undefined {
  if (at + entryHead > octets.length) return undefined
  const end = at + entryHead + octets.readUInt32BE(at)
  if (end > octets.length || end === at + entryHead) return undefined
  return crc32(octets.subarray(at + entryHead, end)) === octets.readUInt32BE(at + 4) ? end : undefined
}

/**
 * What is cut off, or was given room and not written, is the end of an append. Damage with more behind it is not: also where
 * it is the length that is damaged, and seems to lead beyond the file.
 */
function isTorn(rest: Buffer): boolean {
  if (rest.length < entryHead || rest.every((octet) => octet === 0)) return true
  return entryHead + rest.readUInt32BE(0) >= rest.length && !hasEntryWithin(rest)
}

/** Whether a whole entry begins somewhere behind the first octet. */
function hasEntryWithin(rest: Buffer): boolean {
  let left = maxSearchOctets
  for (let at = 1; at + leastEntry <= rest.length; at++) {
    const length = rest.readUInt32BE(at)
    // Two numbers of records, each of which takes some octets: what does not look like an entry is not summed up.
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
  if (at !== octets.length) throw new RangeError('an entry is longer than its records')
  return { removed, added }
}

function readRecord(octets: Buffer, at: number): [ResourceRecord, number] {
  const nameEndAt = nameEnd(octets, at, octets.length)
  const rdataAt = nameEndAt + 8
  const end = rdataAt + (nameEndAt < 0 ? 0 : readUint16(octets, nameEndAt + 6))
  if (nameEndAt < 0 || end > octets.length) throw new RangeError('a record of an entry is cut off')
  const type = readUint16(octets, nameEndAt)
  const rdata = Uint8Array.from(octets.subarray(rdataAt, end))
  if (!validRdata(type, rdata)) throw new RangeError('a record of an entry is malformed')
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
  /** Resolves when the change is on disk. `after`: the zone with it. Rejects where it is not: then it is not in force. */
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
    // It is opened again with the next update.
    await file?.close().catch(() => undefined)
    throw error
  }

  /** An append that failed has left octets that nobody may find. */
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
      // The change is on disk already: what fails here is tried again after the next one.
      if (length > 2 * snapshot + slack) await writeAnew(after).catch(() => undefined)
    },
    close: async () => file?.close(),
  }
}

/** A disk that is nearly full takes a part of the octets, and says why it takes no more at the next write. */
async function writeWhole(file: FileHandle, octets: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < octets.length; ) {
    const { bytesWritten } = await file.write(octets, done, octets.length - done, position + done)
    if (bytesWritten === 0) throw new Error('the disk takes no more octets')
    done += bytesWritten
  }
}

/** A rename is on disk when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
