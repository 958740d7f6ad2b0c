/**
 * A filter that the kernel runs on each datagram before it queues it (classic BPF, SO_ATTACH_FILTER): questions for names in
 * the server's own zones pass, of all others a share. It needs no privilege. The datagram begins with its UDP header.
 */
import { nameToWire } from '../../dns/name.ts'

/** Instructions: class, size and mode, as defined in linux/bpf_common.h. */
const op = {
  loadWordAt: 0x20,
  loadWord: 0x40,
  loadHalf: 0x48,
  loadByte: 0x50,
  loadIndexImmediate: 0x01,
  loadIndexMemory: 0x61,
  storeIndex: 0x03,
  add: 0x04,
  addIndex: 0x0c,
  subtract: 0x14,
  or: 0x44,
  jump: 0x05,
  jumpEqual: 0x15,
  jumpNotLess: 0x35,
  jumpSet: 0x45,
  give: 0x06,
  toIndex: 0x07,
  fromIndex: 0x87,
} as const

/** SKF_AD_OFF + SKF_AD_RANDOM: 32 random bits. */
const randomWord = 0xfffff000 + 56
/** Offset of the name behind the UDP and DNS headers. */
const nameAt = 8 + 12
const compressed = 0xc0
/** Names in ip6.arpa have 34 labels. A question with more than this counts as one for an outside name. */
const mostLabels = 40
/** A jump spans at most 255 instructions, and comparing a longer name takes more. */
const longestZone = 128
/** Together with the walk over the labels, far below the 4,096 instructions allowed. */
const mostZones = 16

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number]

/**
 * The program, struct sock_filter[]; undefined if it cannot distinguish the names of these zones. `share`: of questions for
 * other names that pass, 0 to 1.
 */
export function admissionFilter(zones: readonly string[], share: number): Uint8Array | undefined {
  const suffixes = zones.map((zone) => nameToWire(zone).subarray(0, -1))
  if (suffixes.length > mostZones || suffixes.some(({ length }) => length === 0 || length > longestZone))
    return undefined
  const compared = suffixes.flatMap(comparison)
  const passed: Instruction = [op.give, 0, 0, 0xffffffff]
  return encode([
    ...walk(),
    ...compared,
    [op.loadWordAt, 0, 0, randomWord],
    [op.jumpNotLess, 0, 1, Math.floor(share * 0xffffffff)],
    [op.give, 0, 0, 0],
    passed,
  ])
}

/** Leaves the offset of the name's last octet in memory word 0. Compressed names pass: the thread rejects them. */
function walk(): Instruction[] {
  const step = 8
  const program: Instruction[] = [[op.loadIndexImmediate, 0, 0, nameAt]]
  for (let label = 0; label < mostLabels; label++) {
    const left = (mostLabels - label - 1) * step
    program.push(
      [op.loadByte, 0, 0, 0],
      [op.jumpEqual, 0, 1, 0],
      [op.jump, 0, 0, left + step - 3],
      [op.jumpSet, 0, 1, compressed],
      [op.give, 0, 0, 0xffffffff],
      [op.addIndex, 0, 0, 0],
      [op.add, 0, 0, 1],
      [op.toIndex, 0, 0, 0],
    )
  }
  program.push([op.storeIndex, 0, 0, 0])
  return program
}

/** Accepts the datagram if its name ends in these octets, ignoring case; otherwise continues after this part. */
function comparison(suffix: Uint8Array): Instruction[] {
  const checks: { readonly load: number; readonly at: number; readonly octets: number }[] = []
  for (let at = 0; at < suffix.length; ) {
    const octets = suffix.length - at >= 4 ? 4 : suffix.length - at >= 2 ? 2 : 1
    checks.push({ load: { 4: op.loadWord, 2: op.loadHalf, 1: op.loadByte }[octets], at, octets })
    at += octets
  }
  const behind = 3 * checks.length + 1
  const program: Instruction[] = [
    [op.loadIndexMemory, 0, 0, 0],
    [op.fromIndex, 0, 0, 0],
    [op.jumpNotLess, 0, behind + 2, nameAt + suffix.length],
    [op.subtract, 0, 0, suffix.length],
    [op.toIndex, 0, 0, 0],
  ]
  checks.forEach(({ load, at, octets }, i) => {
    // Bit 5 is the case of a letter. Ignoring it in other octets too only lets a few more questions pass.
    let expected = 0
    for (let k = 0; k < octets; k++) expected = expected * 256 + (suffix[at + k] | 0x20)
    program.push(
      [load, 0, 0, at],
      [op.or, 0, 0, 0x20202020 >>> (8 * (4 - octets))],
      [op.jumpEqual, 0, behind - 3 * (i + 1), expected],
    )
  })
  program.push([op.give, 0, 0, 0xffffffff])
  return program
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(8 * program.length)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, ifTrue, ifFalse, operand], i) => {
    view.setUint16(8 * i, code, true)
    bytes[8 * i + 2] = ifTrue
    bytes[8 * i + 3] = ifFalse
    view.setUint32(8 * i + 4, operand, true)
  })
  return bytes
}
