/** Reads the answer table's octets (src/table/FORMAT.md) back to what was published. */
import { type } from '../../src/dns/codes.ts'
import { wireToName, writeName } from '../../src/dns/name.ts'
import type { TableHandle } from '../../src/table/api.ts'
import {
  addresses,
  answerKind,
  CLOSED,
  IN_ZONE,
  MIXED,
  node,
  OWN_BLOCK,
  records,
  services,
  spaceCell,
  spaceIndex,
  variants,
  zone,
} from '../../src/table/layout.ts'
import { createNameKey, readName } from '../../src/table/name-key.ts'
import { findNode, openTable, type TableView } from '../../src/table/reader.ts'
import type {
  AddressesSpec,
  AnswerSpec,
  NodeSpec,
  RecordSpec,
  RecordsSpec,
  ServicesSpec,
  VariantsSpec,
} from '../../src/table/spec.ts'

/** Valid values of a node's bits 0 and 1: `other` of layout.ts. */
const otherTypes = ['nodata', 'nxdomain', 'chain'] as const

/** What a space has at a name; undefined when nothing, or when the space is not served. */
export function inspect(
  { handle }: { readonly handle: TableHandle },
  space: number,
  name: string,
): { readonly profileId: number; readonly node: NodeSpec } | undefined {
  const view = openTable(handle)
  const { words, bytes } = view
  if (Atomics.load(words, spaceCell(space)) !== space + 1) return undefined
  const key = createNameKey(words)
  const wire = new Uint8Array(256)
  readName(key, wire, 0, writeName(name, wire, 0))
  const entry = findNode(view, key, 0, spaceIndex(space))
  if (entry === 0) return undefined
  const zoneAt = words[(entry + node.zoneAt) >> 2] + zone.nameAt
  const zoneName = wireToName(new Uint8Array(bytes.subarray(zoneAt, zoneAt + 255)), 0)
  return { profileId: words[(entry + node.profileAt) >> 2] & 0xffff, node: decodeNode(view, entry, zoneName) }
}

/** Whether a space has a node at the name. */
export const has = (table: { readonly handle: TableHandle }, space: number, name: string): boolean =>
  inspect(table, space, name) !== undefined

/** The node at `entry`. Names in the zone come back in the zone's own case. */
function decodeNode(view: TableView, entry: number, zoneName: string): NodeSpec {
  const { bytes, words } = view
  const flags = bytes[entry + node.flagsAt]
  const answers = new Map<number, AnswerSpec>()
  for (let i = 0; i < bytes[entry + node.answersAt]; i++) {
    const at = entry + node.directoryAt + i * node.directoryBytes
    const recordType = u16(bytes, at)
    const body = words[(at + 4) >> 2] + (bytes[at + 3] & OWN_BLOCK ? 0 : entry)
    answers.set(recordType, decodeAnswer(view, bytes[at + 2], body, entry, recordType, zoneName))
  }
  return { zone: zoneName, below: flags & CLOSED ? 'closed' : 'open', otherTypes: otherTypes[flags & 3], answers }
}

function decodeAnswer(
  view: TableView,
  kind: number,
  body: number,
  entry: number,
  recordType: number,
  zoneName: string,
): AnswerSpec {
  switch (kind) {
    case answerKind.nodata:
      return { kind: 'nodata' }
    case answerKind.nxdomain:
      return { kind: 'nxdomain' }
    case answerKind.soa:
      return { kind: 'soa' }
    case answerKind.variants:
      return decodeVariants(view, body, entry, recordType, zoneName)
    case answerKind.addresses:
    case answerKind.services:
    case answerKind.records:
      return decodeBody(view, kind, body, recordType, zoneName)
    default:
      return { kind: 'chain' }
  }
}

function decodeBody(
  view: TableView,
  kind: number,
  body: number,
  recordType: number,
  zoneName: string,
): AddressesSpec | ServicesSpec | RecordsSpec {
  if (kind === answerKind.addresses) return decodeAddresses(view, body, recordType)
  return kind === answerKind.services ? decodeServices(view, body, zoneName) : decodeRecords(view, body)
}

function decodeVariants(
  view: TableView,
  body: number,
  entry: number,
  recordType: number,
  zoneName: string,
): VariantsSpec {
  const { words } = view
  const list: VariantsSpec['variants'][number][] = []
  let before = 0
  for (let i = 0; i < words[(body + variants.countAt) >> 2]; i++) {
    const word = (body + variants.listAt + i * variants.variantBytes) >> 2
    const bound = words[word] >>> 0
    const own = (words[word + 1] & 256) !== 0
    const answer = decodeBody(view, words[word + 1] & 255, words[word + 2] + (own ? 0 : entry), recordType, zoneName)
    const tag = words[word + 1] >>> 16
    list.push({ weight: bound - before, answer, ...(tag > 0 && { tag }) })
    before = bound
  }
  return { kind: 'variants', variants: list }
}

function decodeAddresses({ bytes, words }: TableView, body: number, recordType: number): AddressesSpec {
  const octets = words[(body + addresses.countAt) >> 2] * (recordType === type.A ? 4 : 16)
  const start = body + addresses.addressesAt
  return {
    kind: 'addresses',
    ttl: words[(body + addresses.ttlAt) >> 2],
    addresses: new Uint8Array(bytes.subarray(start, start + octets)),
  }
}

function decodeServices({ bytes, words }: TableView, body: number, zoneName: string): ServicesSpec {
  const recordCount = u16(bytes, body + services.recordsAt)
  const targetCount = u16(bytes, body + services.targetsAt)
  const glueCount = words[(body + services.glueAt) >> 2]
  const stride = bytes[body + services.strideAt]
  const directory = body + services.listAt + recordCount * services.recordBytes
  const owners = directory + targetCount * 4
  const glue = (owners + glueCount * 2 + 3) & ~3
  const targets = Array.from({ length: targetCount }, (_, i) => ({
    name: targetName(bytes, body, words[(directory + i * 4) >> 2], zoneName),
    a: [] as number[],
    aaaa: [] as number[],
  }))
  for (let i = 0; i < glueCount; i++) {
    const at = glue + i * stride
    const size = stride === MIXED ? words[at >> 2] : stride
    const octets = bytes.subarray(stride === MIXED ? at + 4 : at, (stride === MIXED ? at + 4 : at) + size)
    const target = targets[u16(bytes, owners + i * 2)]
    ;(size === 4 ? target.a : target.aaaa).push(...octets)
  }
  return {
    kind: 'services',
    ttl: words[(body + services.ttlAt) >> 2],
    ...(u16(bytes, body + services.runsAt) > 0 ? { order: 'weighted' as const } : {}),
    targets: targets.map(({ name, a, aaaa }) => ({ name, a: Uint8Array.from(a), aaaa: Uint8Array.from(aaaa) })),
    records: Array.from({ length: recordCount }, (_, i) => {
      const at = body + services.listAt + i * services.recordBytes
      const network = (offset: number): number => (bytes[at + offset] << 8) | bytes[at + offset + 1]
      return { priority: network(0), weight: network(2), port: network(4), target: u16(bytes, at + 6) }
    }),
  }
}

function targetName(bytes: Uint8Array, body: number, word: number, zoneName: string): string {
  const at = body + (word >>> 1)
  if (!(word & IN_ZONE)) return wireToName(new Uint8Array(bytes.subarray(at + 1, at + 1 + bytes[at])), 0)
  const relative = new Uint8Array(bytes[at] + 1)
  relative.set(bytes.subarray(at + 1, at + 1 + bytes[at]))
  const labels = wireToName(relative, 0)
  if (labels === '.') return zoneName
  return zoneName === '.' ? labels : labels + zoneName
}

function decodeRecords({ bytes, words }: TableView, body: number): RecordsSpec {
  const answers = u16(bytes, body + records.answersAt)
  const all = answers + u16(bytes, body + records.additionalsAt)
  const list: RecordSpec[] = []
  for (let i = 0; i < all; i++) {
    const at = body + words[(body + records.offsetsAt + i * 4) >> 2]
    const end = body + words[(body + records.offsetsAt + i * 4 + 4) >> 2]
    const facts = new Uint8Array(bytes.subarray(at, end))
    const rest = new DataView(facts.buffer, 1 + facts[0])
    list.push({
      owner: facts[0] === 0 ? '' : wireToName(facts, 1),
      type: rest.getUint16(0),
      ttl: rest.getUint32(4),
      rdata: facts.slice(1 + facts[0] + 10),
    })
  }
  return { kind: 'records', answer: list.slice(0, answers), additional: list.slice(answers) }
}

const u16 = (bytes: Uint8Array, at: number): number => bytes[at] | (bytes[at + 1] << 8)
