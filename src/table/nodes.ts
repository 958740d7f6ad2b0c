/** Builds and removes the nodes of the table: the answers at a name, with their bodies. Writer only. */
import { type as dnsType } from '../dns/codes.ts'
import type { Allocator } from './allocator.ts'
import { encodeAddresses, encodeRecords, encodeServices, type ZoneName } from './encode.ts'
import type { Epochs } from './epochs.ts'
import {
  answerKind,
  block,
  CLOSED,
  EXPLAINED,
  entryWord,
  inlineBodyBytes,
  NAME_SERVERS,
  node,
  OWN_BLOCK,
  other,
  ownBlock,
  STALE,
  variants,
  WITHOUT_DO,
} from './layout.ts'
import type { NameKey } from './name-key.ts'
import type { TableView } from './reader.ts'
import { align, createScratch, putU8, putU16, putU32, reserve, type Scratch } from './scratch.ts'
import type { AddressesSpec, AnswerSpec, NodeSpec, RecordsSpec, ServicesSpec, VariantsSpec } from './spec.ts'

export interface Nodes {
  /** Writes a node, not yet visible, and returns its offset. Throws TableFull, leaving nothing allocated. */
  build(facts: NodeFacts, spec: NodeSpec): number
  /** Retires an unlinked node and those of its bodies that no other node uses. */
  retire(entry: number): void
}

export interface NodeFacts {
  readonly key: NameKey
  readonly hash: number
  readonly space: number
  readonly profileId: number
  readonly shuffle: boolean
  readonly zone: ZoneName
  /** Offset of the zone's block. */
  readonly zoneAt: number
}

/** A body in a separate block that another node with the same spec (the same object) can share. */
interface Shareable {
  readonly offset: number
  /** What the octets depend on besides the spec. */
  readonly zone: string
  readonly type: number
  live: boolean
}

/** A body's location, as a directory entry holds it. */
interface Place {
  readonly offset: number
  readonly own: boolean
}

export function createNodes(view: TableView, allocator: Allocator, epochs: Epochs): Nodes {
  const { bytes, words } = view
  const image = createScratch()
  const shareables = new WeakMap<AddressesSpec | ServicesSpec, Shareable>()
  const shareableAt = new Map<number, Shareable>()
  /** Bodies used by the node under construction, to be released if it cannot be finished. */
  let acquired: number[] = []

  /** Moves the body that begins at `start` of the image into a separate block if it is large. */
  function place(start: number): Place {
    align(image)
    const octets = image.at - start
    if (octets <= inlineBodyBytes) return { offset: start, own: false }
    const offset = allocator.allocate(ownBlock.bodyAt + octets)
    bytes.set(image.bytes.subarray(start, image.at), offset + ownBlock.bodyAt)
    words[offset >> 2] = 1
    words[(offset >> 2) + 1] = block.body << 16
    image.at = start
    acquired.push(offset)
    return { offset: offset + ownBlock.bodyAt, own: true }
  }

  function placeBody(spec: AddressesSpec | RecordsSpec | ServicesSpec, type: number, facts: NodeFacts): Place {
    const start = image.at
    if (spec.kind === 'records') {
      encodeRecords(image, spec, facts.shuffle)
      return place(start)
    }
    const zone = facts.zone.name
    const shared = shareables.get(spec)
    if (shared?.live && shared.zone === zone && shared.type === type) {
      words[shared.offset >> 2]++
      acquired.push(shared.offset)
      return { offset: shared.offset + ownBlock.bodyAt, own: true }
    }
    if (spec.kind === 'addresses') encodeAddresses(image, spec, type)
    else encodeServices(image, spec, facts.zone)
    const placed = place(start)
    if (placed.own) {
      const made: Shareable = { offset: placed.offset - ownBlock.bodyAt, zone, type, live: true }
      shareables.set(spec, made)
      shareableAt.set(made.offset, made)
    }
    return placed
  }

  function placeVariants(spec: VariantsSpec, type: number, facts: NodeFacts): Place {
    const places = spec.variants.map(({ answer }) => placeBody(answer, type, facts))
    const start = image.at
    reserve(image, variants.listAt + places.length * variants.variantBytes)
    let total = 0
    image.at = start + variants.listAt
    for (const [i, { weight, answer, tag = 0 }] of spec.variants.entries()) {
      total += weight
      putU32(image, total)
      putU32(image, answerKind[answer.kind] + (places[i].own ? 256 : 0) + tag * 65_536)
      putU32(image, places[i].offset)
    }
    if (!(total > 0 && total <= 0xffffffff)) throw new RangeError('the weights of variants must add up to 1 to 2^32-1')
    image.view.setUint32(start + variants.totalAt, total, true)
    image.view.setUint32(start + variants.countAt, places.length, true)
    // Always kept inside the node: it holds offsets of bodies that are there too.
    return { offset: start, own: false }
  }

  function placeAnswer(spec: AnswerSpec, type: number, facts: NodeFacts): Place {
    switch (spec.kind) {
      case 'nodata':
      case 'nxdomain':
      case 'chain':
      case 'soa':
        return { offset: 0, own: false }
      case 'variants':
        return placeVariants(spec, type, facts)
      default:
        return placeBody(spec, type, facts)
    }
  }

  function placeExplanation(data: Uint8Array): Place {
    const offset = image.at
    reserve(image, 1 + data.length + 4)
    putU8(image, data.length)
    image.bytes.set(data, image.at)
    image.at += data.length
    align(image)
    return { offset, own: false }
  }

  function writeImage(facts: NodeFacts, spec: NodeSpec): void {
    const { key } = facts
    image.at = 0
    const { explanation } = spec
    const entries = spec.answers.size + (explanation ? 1 : 0)
    reserve(image, node.directoryAt + entries * node.directoryBytes + key.length + 4)
    putU32(image, facts.hash)
    putU32(image, entryWord(facts.space, block.node, key.length))
    putU16(image, facts.profileId)
    const flags =
      (spec.below === 'closed' ? CLOSED : 0) |
      (spec.withoutDo ? WITHOUT_DO : 0) |
      (explanation ? EXPLAINED : 0) |
      (spec.stale ? STALE : 0)
    putU8(image, other[spec.otherTypes] | flags)
    putU8(image, entries)
    putU32(image, facts.zoneAt)
    let entry = image.at
    image.at += entries * node.directoryBytes
    image.bytes.set(key.octets.subarray(0, key.length), image.at)
    image.at += key.length
    align(image)
    if (explanation) {
      writeDirectoryEntry(image, entry, dnsType.OPT, { kind: 'chain' }, placeExplanation(explanation))
      entry += node.directoryBytes
    }
    for (const [type, answer] of spec.answers) {
      const placed = placeAnswer(answer, type, facts)
      writeDirectoryEntry(image, entry, type, answer, placed)
      entry += node.directoryBytes
    }
  }

  function release(offset: number): void {
    if (--words[offset >> 2] > 0) return
    const shareable = shareableAt.get(offset)
    if (shareable) {
      shareable.live = false
      shareableAt.delete(offset)
    }
    epochs.retire(offset)
  }

  function releaseBody(kind: number, own: boolean, offset: number, entry: number): void {
    if (own) release(offset - ownBlock.bodyAt)
    else if (kind === answerKind.variants) {
      const count = words[(entry + offset + variants.countAt) >> 2]
      for (let i = 0; i < count; i++) {
        const word = (entry + offset + variants.listAt + i * variants.variantBytes) >> 2
        if (words[word + 1] & 256) release(words[word + 2] - ownBlock.bodyAt)
      }
    }
  }

  return {
    build(facts, spec) {
      if (spec.answers.size > 254) throw new RangeError(`a node answers at most 254 types, not ${spec.answers.size}`)
      acquired = []
      try {
        writeImage(facts, spec)
        const entry = allocator.allocate(image.at)
        bytes.set(image.bytes.subarray(0, image.at), entry)
        return entry
      } catch (error) {
        for (const offset of acquired) release(offset)
        throw error
      }
    },
    retire(entry) {
      const answers = bytes[entry + node.answersAt]
      for (let i = 0; i < answers; i++) {
        const at = entry + node.directoryAt + i * node.directoryBytes
        releaseBody(bytes[at + 2], (bytes[at + 3] & OWN_BLOCK) !== 0, words[(at + 4) >> 2], entry)
      }
      epochs.retire(entry)
    },
  }
}

function writeDirectoryEntry(image: Scratch, at: number, type: number, answer: AnswerSpec, placed: Place): void {
  image.view.setUint16(at, type, true)
  image.bytes[at + 2] = answerKind[answer.kind]
  const withNameServers = 'withNameServers' in answer && answer.withNameServers
  image.bytes[at + 3] = (placed.own ? OWN_BLOCK : 0) | (withNameServers ? NAME_SERVERS : 0)
  image.view.setUint32(at + 4, placed.offset, true)
}
