/**
 * Positive answers from their bodies (FORMAT.md). Each function writes whole records in the order answer, additional
 * until one does not fit; it then stops and marks the reply as truncated. It returns false when the reply cannot be
 * truncated here as the chain would do it: the question is then left to the chain.
 */
import { type } from '../dns/codes.ts'
import { addresses, IN_ZONE, MIXED, records, services } from '../table/layout.ts'
import type { QueryState } from './query-state.ts'
import { drawNext, undoDraws } from './sample.ts'
import { beginOrder, drawByWeight, endOrder } from './weighted.ts'
import { ownerOctets, writeNameServers, writeOwner, writeTtl, writeU16 } from './write.ts'

/** Octets of a record's fields from type to rdata length. */
const fixedOctets = 10
/** Offsets from here on do not fit into a compression pointer (RFC 1035 §4.1.4). */
const maxPointer = 0x4000

/**
 * Marks the reply as truncated; false when only the caller's buffer was too small. `octets`: of all its records, omitted
 * ones included, without compression. Replies with an authority section are left to the chain.
 */
function cut(x: QueryState, octets: number): boolean {
  if (x.nameServersSoa !== 0) return false
  x.truncated = true
  x.uncutOctets = x.questionEnd - x.start + octets
  return !x.cramped
}

export function writeAddresses(x: QueryState, body: number): boolean {
  const { reply, sampler, type: asked } = x
  const { bytes, words } = x.view
  const size = asked === type.A ? 4 : 16
  const count = words[(body + addresses.countAt) >> 2]
  const ttl = words[(body + addresses.ttlAt) >> 2]
  const capacity = Math.floor((x.limit - x.at) / (ownerOctets(x) + fixedOctets + size))
  const fitting = Math.min(count, Math.max(capacity, 0))
  const some = x.isVariant && fitting > 0 && fitting < count
  if (fitting < count && !some && !cut(x, count * (x.key.length + fixedOctets + size))) return false
  const shuffle = (x.shuffle || some) && count > 1
  for (let i = 0; i < fitting; i++) {
    const from = body + addresses.addressesAt + size * (shuffle ? drawNext(sampler, i, count) : i)
    writeOwner(x)
    writeFixed(x, asked, ttl, size)
    for (let k = 0; k < size; k++) reply[x.at + k] = bytes[from + k]
    x.at += size
  }
  if (shuffle) undoDraws(sampler, fitting)
  x.answers = fitting
  return writeNameServers(x)
}

/** Writes type, class IN, TTL and rdata length (below 256), after the owner. */
function writeFixed(x: QueryState, recordType: number, ttl: number, octets: number): void {
  const { reply, at } = x
  reply[at] = 0
  reply[at + 1] = recordType
  reply[at + 2] = 0
  reply[at + 3] = 1
  writeTtl(reply, at + 4, ttl)
  reply[at + 8] = octets >> 8
  reply[at + 9] = octets
  x.at = at + fixedOctets
}

/** SRV in the order stored, or in one drawn by weight, then the targets' addresses. `zoneOctets`: length of the name of the node's zone. */
export function writeServices(x: QueryState, body: number, zoneOctets: number): boolean {
  const { bytes, words } = x.view
  const { targetAt } = x
  const count = bytes[body + services.recordsAt] | (bytes[body + services.recordsAt + 1] << 8)
  const targets = bytes[body + services.targetsAt] | (bytes[body + services.targetsAt + 1] << 8)
  const ttl = words[(body + services.ttlAt) >> 2]
  const list = body + services.listAt
  const directory = list + count * services.recordBytes
  const owners = directory + targets * 4
  const runs = bytes[body + services.runsAt] | (bytes[body + services.runsAt + 1] << 8)
  for (let i = 0; i < targets; i++) targetAt[i] = 0
  if (runs > 0) beginOrder(x.order, x.view, list, runsAt(x, body, owners), runs)
  writeServiceRecords(x, body, count, runs > 0, zoneOctets)
  if (runs > 0) endOrder(x.order, x.sampler)
  const isWhole = x.answers === count && (x.minimal || writeGlue(x, body, owners, ttl))
  return isWhole || cut(x, servicesOctets(x, body, zoneOctets))
}

/** Writes as many as fit. `weighted`: in the weighted order begun by `beginOrder`. */
function writeServiceRecords(x: QueryState, body: number, count: number, weighted: boolean, zoneOctets: number): void {
  const { order, targetAt, view } = x
  const { bytes, words } = view
  const ttl = words[(body + services.ttlAt) >> 2]
  const list = body + services.listAt
  const directory = list + count * services.recordBytes
  const owner = ownerOctets(x)
  let taken = 0
  let drawn = 0
  for (let i = 0; i < count; i++) {
    if (weighted && taken === drawn) {
      drawn = drawByWeight(order, view, list, x.sampler)
      taken = 0
    }
    const record = weighted ? order.selected[taken++] : i
    const from = list + record * services.recordBytes
    const target = bytes[from + 6] | (bytes[from + 7] << 8)
    const word = words[(directory + target * 4) >> 2]
    const name = body + (word >>> 1)
    const rdata = 6 + bytes[name] + (word & IN_ZONE ? zoneOctets : 0)
    if (x.at + owner + fixedOctets + rdata > x.limit) return
    writeOwner(x)
    writeFixed(x, type.SRV, ttl, rdata)
    const { reply, at } = x
    for (let k = 0; k < 6; k++) reply[at + k] = bytes[from + k]
    x.at = at + 6
    if (targetAt[target] === 0) targetAt[target] = ((x.at - x.replyStart) << 8) | (rdata - 6)
    writeTarget(x, name, (word & IN_ZONE) !== 0, zoneOctets)
    x.answers++
  }
}

/** Offset of the runs, which follow the glue. */
function runsAt({ view: { bytes, words } }: QueryState, body: number, owners: number): number {
  const glue = words[(body + services.glueAt) >> 2]
  return ((owners + glue * 2 + 3) & ~3) + glue * bytes[body + services.strideAt]
}

/** Octets of an SRV answer and its glue, without compression. */
function servicesOctets(x: QueryState, body: number, zoneOctets: number): number {
  const { bytes, words } = x.view
  const u16 = (at: number): number => bytes[at] | (bytes[at + 1] << 8)
  const count = u16(body + services.recordsAt)
  const list = body + services.listAt
  const directory = list + count * services.recordBytes
  const owners = directory + u16(body + services.targetsAt) * 4
  const glue = words[(body + services.glueAt) >> 2]
  const stride = bytes[body + services.strideAt]
  const addresses = (owners + glue * 2 + 3) & ~3
  const targetOctets = (target: number): number => {
    const word = words[(directory + target * 4) >> 2]
    return bytes[body + (word >>> 1)] + (word & IN_ZONE ? zoneOctets : 0)
  }
  let octets = count * (x.key.length + fixedOctets + 6)
  for (let i = 0; i < count; i++) octets += targetOctets(u16(list + i * services.recordBytes + 6))
  for (let i = 0; i < glue; i++) {
    const size = stride === MIXED ? words[(addresses + i * stride) >> 2] : stride
    octets += targetOctets(u16(owners + i * 2)) + fixedOctets + size
  }
  return octets
}

/** RFC 2782: the target of an SRV record is not compressed. The zone's part is sent in the question's case. */
function writeTarget(x: QueryState, name: number, inZone: boolean, zoneOctets: number): void {
  const { request, reply } = x
  const { bytes } = x.view
  const octets = bytes[name]
  let at = x.at
  for (let i = 1; i <= octets; i++) reply[at++] = bytes[name + i]
  if (inZone) {
    const zoneAt = x.questionEnd - 4 - zoneOctets
    for (let i = 0; i < zoneOctets; i++) reply[at++] = request[zoneAt + i]
  }
  x.at = at
}

/** Returns false when not all of it fits. */
function writeGlue(x: QueryState, body: number, owners: number, ttl: number): boolean {
  const { reply, sampler, targetAt } = x
  const { bytes, words } = x.view
  const count = words[(body + services.glueAt) >> 2]
  const stride = bytes[body + services.strideAt]
  const list = (owners + count * 2 + 3) & ~3
  const shuffle = x.shuffle && count > 1
  let written = 0
  let drawn = 0
  for (; written < count; written++) {
    const i = shuffle ? drawNext(sampler, drawn++, count) : written
    const mixed = stride === MIXED
    const from = list + i * stride + (mixed ? 4 : 0)
    const size = mixed ? words[(from - 4) >> 2] : stride
    const place = targetAt[bytes[owners + i * 2] | (bytes[owners + i * 2 + 1] << 8)]
    const name = place >> 8
    if (name > 0 && name < maxPointer) {
      if (x.at + 2 + fixedOctets + size > x.limit) break
      writeU16(reply, x.at, 0xc000 | name)
      x.at += 2
      x.savedOctets += (place & 0xff) - 2
    } else if (!writeFarOwner(x, name, fixedOctets + size)) break
    writeFixed(x, size === 4 ? type.A : type.AAAA, ttl, size)
    for (let k = 0; k < size; k++) reply[x.at + k] = bytes[from + k]
    x.at += size
  }
  if (shuffle) undoDraws(sampler, drawn)
  x.additionals = written
  return written === count
}

/**
 * Writes an owner that no compression pointer can reach: its longest ending that is also an ending of the question becomes
 * a pointer there, the rest is copied. `after`: octets of the record that follow. False, with nothing written, when it
 * does not fit.
 */
function writeFarOwner(x: QueryState, name: number, after: number): boolean {
  const { reply, replyStart } = x
  // No SRV record in the reply has this target, so nothing asks for its address.
  if (name === 0) return false
  const from = replyStart + name
  let end = from
  while (reply[end] !== 0) end += reply[end] + 1
  const question = replyStart + x.questionEnd - x.start - 5
  // `end` and `question` are the root octets. Walk the target's labels until the remainder is an ending of the question.
  let split = from
  while (split < end && !endsAlike(reply, split, end, question, replyStart + 12)) split += reply[split] + 1
  const shared = end - split
  const octets = shared > 0 ? split - from + 2 : end - from + 1
  if (x.at + octets + after > x.limit) return false
  for (let i = from; i < split; i++) reply[x.at++] = reply[i]
  if (shared === 0) reply[x.at++] = 0
  else {
    writeU16(reply, x.at, 0xc000 | (question - shared - replyStart))
    x.at += 2
  }
  return true
}

/** Whether `reply[from, end)` are the last labels before the question's root octet. */
function endsAlike(reply: Uint8Array, from: number, end: number, question: number, first: number): boolean {
  const start = question - (end - from)
  if (start < first) return false
  for (let i = 0; i < end - from; i++) if (reply[from + i] !== reply[start + i]) return false
  // The label boundaries must match, too.
  let label = first
  while (label < start) label += reply[label] + 1
  return label === start
}

/** Writes complete records; under a shuffling profile those of a run are permuted. */
export function writeRecords(x: QueryState, body: number): boolean {
  const { bytes, words } = x.view
  const answers = bytes[body + records.answersAt] | (bytes[body + records.answersAt + 1] << 8)
  const additionals = bytes[body + records.additionalsAt] | (bytes[body + records.additionalsAt + 1] << 8)
  const word = words[(body + records.cuttableAt) >> 2]
  const cuttable = (word & 0xffff) === 1
  const before = answers + (word >>> 16)
  const run = body + records.answerRunAt
  x.answers = writeSection(x, body, 0, answers, bytes[run] | (bytes[run + 1] << 8))
  if (x.answers < answers) return cuttable && cut(x, recordsOctets(x, body))
  x.authorities = writeSection(x, body, answers, before, before)
  if (x.authorities < before - answers || !writeNameServers(x)) return false
  if (x.minimal) return true
  const second = body + records.additionalRunAt
  x.additionals = writeSection(x, body, before, before + additionals, bytes[second] | (bytes[second + 1] << 8))
  return x.additionals === additionals ? true : cuttable && cut(x, recordsOctets(x, body))
}

/** Octets of all records, without compression. */
function recordsOctets(x: QueryState, body: number): number {
  const { bytes, words } = x.view
  const count = words[(body + records.answersAt) >> 2]
  const offsets = (body + records.offsetsAt) >> 2
  const all = (count & 0xffff) + (count >>> 16) + (words[(body + records.cuttableAt) >> 2] >>> 16)
  let octets = words[offsets + all] - words[offsets] - all
  for (let i = 0; i < all; i++) if (bytes[body + words[offsets + i]] === 0) octets += x.key.length
  return octets
}

/** Writes records [from, to), those from `run` on in random order if the profile shuffles; returns how many fitted. */
function writeSection(x: QueryState, body: number, from: number, to: number, run: number): number {
  const { sampler } = x
  const length = to - run
  const shuffle = x.shuffle && length > 1
  let i = from
  for (; i < to; i++) {
    const chosen = shuffle && i >= run ? run + drawNext(sampler, i - run, length) : i
    if (!writeRecord(x, body, chosen)) break
  }
  if (shuffle && i >= run) undoDraws(sampler, (i < to ? i + 1 : i) - run)
  return i - from
}

function writeRecord(x: QueryState, body: number, i: number): boolean {
  const { reply } = x
  const { bytes, words } = x.view
  const offsets = (body + records.offsetsAt) >> 2
  let from = body + words[offsets + i]
  const end = body + words[offsets + i + 1]
  const named = bytes[from++] !== 0
  if (x.at + (named ? 0 : ownerOctets(x)) + end - from > x.limit) return false
  if (!named) writeOwner(x)
  let at = x.at
  while (from < end) reply[at++] = bytes[from++]
  x.at = at
  return true
}
