/**
 * The records of a zone, packed: owners and rdata lie one after another in buffers, so that a record takes its octets plus
 * twelve, an owner its text plus sixteen. A million objects would exceed the memory of a pod many times over. The store is
 * filled once and then read. Owners are found by linear hashing: one more bucket per owner, so no insertion moves all of them.
 */
import { randomBytes } from 'node:crypto'
import { dnsClass } from '../dns/codes.ts'
import type { ResourceRecord } from '../dns/message.ts'

/** The records of one owner. */
export interface RRsets {
  has(rrType: number): boolean
  /** In the order in which they were added; [] if there are none. */
  get(rrType: number): ResourceRecord[]
  /** Each type once. */
  types(): number[]
}

export interface RecordStore {
  readonly octets: number
  /** Adds a record; `name` is lower case. Returns whether it is the first of its owner. */
  add(name: string, record: ResourceRecord): boolean
  /** Records that a name exists below this one. Returns whether that was recorded already. */
  setAbove(name: string): boolean
  /** The records of an owner; undefined without records. */
  at(name: string): RRsets | undefined
  isAbove(name: string): boolean
  /** Every owner, and every name with an owner below it, in order of insertion. */
  names(): Iterable<string>
  /** By owner. */
  records(): Iterable<ResourceRecord>
  /** The owner's position, for `nameAt`. */
  place(name: string): number
  nameAt(place: number): string
  /** Frees the memory reserved for more records. */
  trim(): void
  /**
   * Frees all memory at once: the garbage collector notices buffers late, and the next zone may need as much meanwhile. The store
   * must not be used any more.
   */
  free(): void
}

/**
 * A place is the number of a buffer × 2^18 + an offset in it. Items begin with 32 bits:
 * - of an owner: bit 31, ABOVE, and the length of its name; then the place of the next owner of its bucket, of its first
 *   and of its last record, 32 bits each; then the name's text without the zone's;
 * - of a record: its TTL; then the place of the owner's next record, 32 bits; type and length of the rdata, 16 bits each; the
 *   rdata.
 * Place 0 stands for no item.
 */
const bufferBits = 18
const bufferOctets = 1 << bufferBits
const OWNER = 0x80000000
const ABOVE = 0x40000000
const lengthMask = 0xffff
const inBucketAt = 4
const firstAt = 8
const lastAt = 12
const nameAtOwner = 16
const nextAt = 4
const typeAt = 8
const rdlengthAt = 10
const rdataAt = 12

/** Initial size of a buffer, which is doubled as needed, so that a small zone takes little. */
const firstOctets = 512
const firstBuckets = 4

/** Secrets of the hash: names chosen to collide would slow lookups down. */
const secrets = randomBytes(8)
const seed = secrets.readInt32LE(0)
const multiplier = secrets.readInt32LE(4) | 1

/** `origin`: the zone's name, which every owner ends in; lower case and absolute. */
export function createRecordStore(origin: string): RecordStore {
  const buffers: Buffer<ArrayBuffer>[] = [Buffer.allocUnsafeSlow(firstOctets)]
  /** Octets in use per buffer. Place 0 is never used. */
  const used: number[] = [4]
  let buckets = new Uint32Array(firstBuckets)
  /** Buckets in use, and their number when the last doubling began. */
  let bucketCount = firstBuckets
  let base = firstBuckets
  let owners = 0
  /** Octets of full buffers. */
  let full = 0
  const suffix = origin === '.' ? '.' : `.${origin}`

  const bufferOf = (place: number): Buffer => buffers[place >>> bufferBits]
  const offsetOf = (place: number): number => place & (bufferOctets - 1)
  const read = (place: number, field: number): number => bufferOf(place).readUInt32LE(offsetOf(place) + field)
  const write = (place: number, field: number, value: number): void =>
    void bufferOf(place).writeUInt32LE(value, offsetOf(place) + field)

  /** Allocates an item and returns its place. */
  function allocate(octets: number): number {
    let last = buffers.length - 1
    if (used[last] + octets > bufferOctets) {
      buffers[last] = resized(buffers[last], used[last])
      full += buffers[last].length
      buffers.push(Buffer.allocUnsafeSlow(firstOctets))
      used.push(0)
      last++
    }
    const offset = used[last]
    if (offset + octets > buffers[last].length) {
      let length = buffers[last].length
      while (length < offset + octets) length *= 2
      buffers[last] = resized(buffers[last], Math.min(length, bufferOctets))
    }
    used[last] = offset + octets
    return last * bufferOctets + offset
  }

  const inZone = (name: string): string => (name === origin ? '' : name.slice(0, name.length - suffix.length))

  function hashOfText(text: string): number {
    let hash = seed
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
    return hash ^ (hash >>> 15)
  }

  function hashOfOwner(place: number): number {
    const buffer = bufferOf(place)
    const from = offsetOf(place) + nameAtOwner
    const end = from + (read(place, 0) & lengthMask)
    let hash = seed
    for (let i = from; i < end; i++) hash = Math.imul(hash ^ buffer[i], multiplier)
    return hash ^ (hash >>> 15)
  }

  function bucketOf(hash: number): number {
    const bucket = hash & (2 * base - 1)
    return bucket < bucketCount ? bucket : bucket & (base - 1)
  }

  function hasText(place: number, text: string): boolean {
    if ((read(place, 0) & lengthMask) !== text.length) return false
    const buffer = bufferOf(place)
    const from = offsetOf(place) + nameAtOwner
    for (let i = 0; i < text.length; i++) if (buffer[from + i] !== text.charCodeAt(i)) return false
    return true
  }

  function find(text: string): number {
    let place = buckets[bucketOf(hashOfText(text))]
    while (place !== 0 && !hasText(place, text)) place = read(place, inBucketAt)
    return place
  }

  function findOrMake(text: string): number {
    const known = find(text)
    if (known !== 0) return known
    const place = allocate(nameAtOwner + text.length)
    write(place, 0, (OWNER | text.length) >>> 0)
    write(place, firstAt, 0)
    write(place, lastAt, 0)
    bufferOf(place).write(text, offsetOf(place) + nameAtOwner, 'latin1')
    link(place, bucketOf(hashOfText(text)))
    owners++
    if (owners > bucketCount) split()
    return place
  }

  function link(place: number, bucket: number): void {
    write(place, inBucketAt, buckets[bucket])
    buckets[bucket] = place
  }

  /** Adds a bucket, which takes its part of the one that is split. */
  function split(): void {
    if (bucketCount === buckets.length) {
      const larger = new Uint32Array(2 * bucketCount)
      larger.set(buckets)
      buckets.buffer.transfer(0)
      buckets = larger
    }
    const from = bucketCount - base
    let place = buckets[from]
    buckets[from] = 0
    bucketCount++
    while (place !== 0) {
      const next = read(place, inBucketAt)
      link(place, bucketOf(hashOfOwner(place)))
      place = next
    }
    if (bucketCount === 2 * base) base = bucketCount
  }

  function nameOf(place: number): string {
    const from = offsetOf(place) + nameAtOwner
    const text = bufferOf(place).toString('latin1', from, from + (read(place, 0) & lengthMask))
    return text === '' ? origin : text + suffix
  }

  const typeOf = (place: number): number => bufferOf(place).readUInt16LE(offsetOf(place) + typeAt)

  function recordAt(name: string, place: number): ResourceRecord {
    const buffer = bufferOf(place)
    const offset = offsetOf(place)
    const length = buffer.readUInt16LE(offset + rdlengthAt)
    const rdata = new Uint8Array(buffer.buffer, buffer.byteOffset + offset + rdataAt, length)
    return { name, type: typeOf(place), class: dnsClass.IN, ttl: buffer.readUInt32LE(offset), rdata }
  }

  function rrsetsOf(name: string, owner: number): RRsets {
    const first = read(owner, firstAt)
    return {
      has(rrType) {
        for (let at = first; at !== 0; at = read(at, nextAt)) if (typeOf(at) === rrType) return true
        return false
      },
      get(rrType) {
        const records: ResourceRecord[] = []
        for (let at = first; at !== 0; at = read(at, nextAt))
          if (typeOf(at) === rrType) records.push(recordAt(name, at))
        return records
      },
      types() {
        const types = new Set<number>()
        for (let at = first; at !== 0; at = read(at, nextAt)) types.add(typeOf(at))
        return [...types]
      },
    }
  }

  /** The places of all owners, in order of insertion. */
  function* places(): Generator<number, void, undefined> {
    for (let index = 0; index < buffers.length; index++) {
      for (let offset = index === 0 ? 4 : 0; offset < used[index]; ) {
        const place = index * bufferOctets + offset
        const head = read(place, 0)
        if (head >= OWNER) {
          yield place
          offset += nameAtOwner + (head & lengthMask)
        } else offset += rdataAt + buffers[index].readUInt16LE(offset + rdlengthAt)
      }
    }
  }

  return {
    get octets() {
      return full + buffers[buffers.length - 1].length + buckets.byteLength
    },
    add(name, { type, ttl, rdata }) {
      const owner = findOrMake(inZone(name))
      const place = allocate(rdataAt + rdata.length)
      const buffer = bufferOf(place)
      const offset = offsetOf(place)
      // Bit 31 marks owners; a TTL with that bit counts as zero (RFC 2181 §8).
      buffer.writeUInt32LE(ttl < OWNER ? ttl : 0, offset)
      buffer.writeUInt32LE(0, offset + nextAt)
      buffer.writeUInt16LE(type, offset + typeAt)
      buffer.writeUInt16LE(rdata.length, offset + rdlengthAt)
      buffer.set(rdata, offset + rdataAt)
      const last = read(owner, lastAt)
      if (last === 0) write(owner, firstAt, place)
      else write(last, nextAt, place)
      write(owner, lastAt, place)
      return last === 0
    },
    setAbove(name) {
      const owner = findOrMake(inZone(name))
      const head = read(owner, 0)
      write(owner, 0, (head | ABOVE) >>> 0)
      return (head & ABOVE) !== 0
    },
    at(name) {
      const owner = find(inZone(name))
      return owner !== 0 && read(owner, firstAt) !== 0 ? rrsetsOf(name, owner) : undefined
    },
    isAbove(name) {
      const owner = find(inZone(name))
      return owner !== 0 && (read(owner, 0) & ABOVE) !== 0
    },
    *names() {
      for (const place of places()) yield nameOf(place)
    },
    *records() {
      for (const place of places()) {
        const name = nameOf(place)
        for (let at = read(place, firstAt); at !== 0; at = read(at, nextAt)) yield recordAt(name, at)
      }
    },
    place: (name) => find(inZone(name)),
    nameAt: nameOf,
    trim() {
      const last = buffers.length - 1
      buffers[last] = resized(buffers[last], used[last])
      buckets = buckets.slice(0, bucketCount)
    },
    free() {
      for (const { buffer } of [...buffers.splice(0), buckets]) buffer.transfer(0)
      buckets = new Uint32Array(0)
    },
  }
}

/** Takes the memory away from `buffer`: a copy would leave the old memory to the garbage collector. */
function resized(buffer: Buffer<ArrayBuffer>, octets: number): Buffer<ArrayBuffer> {
  return buffer.length === octets ? buffer : Buffer.from(buffer.buffer.transfer(octets))
}
