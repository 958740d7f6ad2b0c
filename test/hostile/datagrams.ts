/**
 * Datagrams that nobody should send: noise, and queries bent in one way or several. They are put together here and not
 * by our own codec, which could not write most of them.
 */
import type { Random } from './random.ts'

/** A query in its parts, which mutations replace. */
interface Parts {
  readonly flags: number
  /** Octets of QNAME. */
  readonly name: Uint8Array
  readonly type: number
  readonly class: number
  /** Records after the question, by section. */
  readonly answer: readonly Buffer[]
  readonly authority: readonly Buffer[]
  readonly additional: readonly Buffer[]
  /** What no section holds. */
  readonly tail: Uint8Array
}

type Mutation = (parts: Parts, random: Random) => Partial<Parts>
/** What is done to the octets of a whole message. */
type Damage = (octets: Buffer, random: Random) => Buffer

const rd = 0x0100
const [optType, tsigType, sigType] = [41, 250, 24]

const labels = (...list: readonly (Buffer | string)[]): Buffer =>
  Buffer.concat(
    list.map((label) => {
      const octets = Buffer.from(label as string, 'latin1')
      return Buffer.concat([Buffer.of(octets.length), octets])
    }),
  )

const root = Buffer.of(0)
const empty = Buffer.alloc(0)

/** `a.b.` in octets; ASCII without escapes. */
export const nameOctets = (name: string): Buffer =>
  Buffer.concat([labels(...name.split('.').filter((label) => label !== '')), root])

const u16 = (...values: readonly number[]): Buffer => {
  const octets = Buffer.alloc(2 * values.length)
  values.forEach((value, i) => void octets.writeUInt16BE(value & 0xffff, 2 * i))
  return octets
}

function record(
  owner: Uint8Array,
  type: number,
  recordClass: number,
  ttl: number,
  rdata: Uint8Array,
  length = rdata.length,
) {
  return Buffer.concat([owner, u16(type, recordClass, ttl >>> 16, ttl, length), rdata])
}

const opt = (payloadSize = 1232, ttl = 0, options: Uint8Array = empty, length = options.length): Buffer =>
  record(root, optType, payloadSize, ttl, options, length)

function assemble(parts: Parts): Buffer {
  const { flags, name, type, answer, authority, additional, tail } = parts
  return Buffer.concat([
    u16(0, flags, 1, answer.length, authority.length, additional.length),
    name,
    u16(type, parts.class),
    ...answer,
    ...authority,
    ...additional,
    tail,
  ])
}

const types = [1, 28, 5, 12, 16, 33, 6, 2, 15, 255, 65, 64, 43, 35, 10, 48, 46]
const oddTypes = [0, 41, 128, 249, 250, 251, 252, 253, 254, 255, 32768, 65280, 65535]
const payloadSizes = [0, 1, 11, 12, 511, 512, 513, 1232, 4096, 65535]

function evilName(random: Random): Buffer {
  const label = (length: number) => random.bytes(length)
  const evil: readonly (() => Buffer)[] = [
    () => Buffer.concat([labels('a\0b', '\0', 'cluster', 'local'), root]),
    () => Buffer.concat([labels(label(1 + random.below(63)), 'svc', 'cluster', 'local'), root]),
    () => Buffer.concat([labels(Buffer.from([0x80, 0xff, 0xc0, 0x2e, 0x5c]), 'GARBAGE', 'test'), root]),
    () => Buffer.concat([labels('a.b', '\\', '"', '\n[ERROR] forged', '\x1b[2J'), root]),
    () => Buffer.concat([labels('gateway\0', 'inference', 'svc', 'cluster', 'local'), root]),
    // 255 octets, one more, and many more than a name may have; 127 labels.
    () => Buffer.concat([labels(label(63), label(63), label(63), label(61)), root]),
    () => Buffer.concat([labels(label(63), label(63), label(63), label(62)), root]),
    () => Buffer.concat([...Array.from({ length: 60 }, () => labels(label(63))), root]),
    () => Buffer.concat([...Array.from({ length: 127 }, () => labels('x')), root]),
    () => Buffer.concat([...Array.from({ length: 2000 }, () => labels('x')), root]),
    // No end, and an early one.
    () => labels('gateway', 'inference', 'svc'),
    () => Buffer.concat([root, labels('cluster', 'local'), root]),
    // Labels of kinds that do not exist (RFC 6891 §5), and lengths beyond the message.
    () => Buffer.concat([Buffer.of(random.pick([0x40, 0x41, 0x7f, 0x80, 0xbf])), label(random.below(70)), root]),
    () => Buffer.concat([labels('gateway'), Buffer.of(random.pick([0x40, 0x80, 63, 62])), label(5)]),
  ]
  return random.pick(evil)()
}

/** Compression where a question has none: to itself, forwards, in circles, into the header, out of the message. */
function pointerName(random: Random): Buffer {
  const to = (at: number) => u16(0xc000 | at)
  const shapes: readonly (() => Buffer)[] = [
    () => to(12),
    () => to(random.pick([14, 16, 18, 100, 0x3fff])),
    () => to(random.below(12)),
    () => Buffer.concat([labels('a'), to(12)]),
    () => Buffer.concat([labels('a'), to(14)]),
    () => Buffer.concat([to(14), to(12)]),
    () => Buffer.concat([labels('cluster', 'local'), to(random.below(40))]),
    () => Buffer.concat([...Array.from({ length: 100 }, (_, i) => to(12 + 2 * (i + 1))), root]),
    () => Buffer.concat([...Array.from({ length: 100 }, (_, i) => to(12 + 2 * Math.max(0, i - 1)))]),
    () => Buffer.of(0xc0),
    () => Buffer.concat([labels('gateway'), Buffer.of(0xff)]),
  ]
  return random.pick(shapes)()
}

function options(random: Random): Buffer {
  const one = (): Buffer => {
    const code = random.pick([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 26946, 65001, 65535])
    const data = random.bytes(random.pick([0, 1, 2, 4, 7, 8, 9, 15, 16, 24, 40, 41, random.below(120)]))
    const lie = random.chance(0.1) ? random.pick([1, -1, 100, 65535]) : 0
    return Buffer.concat([u16(code, data.length + lie), data])
  }
  return Buffer.concat([
    ...Array.from({ length: 1 + random.below(4) }, one),
    random.bytes(random.pick([0, 0, 0, 1, 3])),
  ])
}

function tsig(random: Random): Buffer {
  const mac = random.bytes(random.pick([0, 16, 32]))
  const rdata = Buffer.concat([
    nameOctets('hmac-sha256'),
    random.bytes(6),
    u16(300, mac.length),
    mac,
    u16(0, random.pick([0, 16, 17, 18]), random.pick([0, 0, 6])),
  ])
  return record(
    nameOctets('key.example'),
    tsigType,
    255,
    0,
    random.chance(0.5) ? rdata : random.bytes(random.below(40)),
  )
}

function anyRecord(random: Random, name: Uint8Array): Buffer {
  const owner = random.pick([root, name, u16(0xc00c), u16(0xc000 | random.below(200)), evilName(random)])
  const rdata = random.pick([
    empty,
    random.bytes(4),
    random.bytes(random.below(60)),
    u16(0xc00c),
    Buffer.concat([u16(0xc00c, 0xc00c), random.bytes(20)]),
  ])
  return record(owner, random.pick(types), random.pick([1, 3, 254, 255]), random.below(2 ** 32), rdata)
}

const mutations: Readonly<Record<string, Mutation>> = {
  none: () => ({}),
  name: (_, random) => ({ name: evilName(random) }),
  pointer: (_, random) => ({ name: pointerName(random) }),
  // The lengths of labels stay: they are no letters.
  case: ({ name }, random) => ({
    name: name.map((octet) => (octet >= 0x61 && random.chance(0.5) ? octet ^ 0x20 : octet)),
  }),
  type: (_, random) => ({ type: random.pick([...oddTypes, random.below(65536)]) }),
  class: (_, random) => ({ class: random.pick([0, 2, 3, 4, 254, 255, 256, random.below(65536)]) }),
  opcode: (_, random) => ({ flags: (random.below(16) << 11) | rd }),
  response: (_, random) => ({ flags: 0x8000 | random.below(32768) }),
  flags: (_, random) => ({ flags: random.below(32768) }),
  transfer: (_, random) => ({ type: random.pick([251, 252]) }),
  payload: (_, random) => ({ additional: [opt(random.pick(payloadSizes), random.pick([0, 0x8000]))] }),
  version: (_, random) => ({ additional: [opt(1232, random.below(2 ** 32), options(random))] }),
  options: (_, random) => ({ additional: [opt(random.pick(payloadSizes), 0, options(random))] }),
  'option length': (_, random) => {
    const octets = options(random)
    return { additional: [opt(1232, 0, octets, octets.length + random.pick([-2, -1, 1, 2, 60000]))] }
  },
  OPTs: (_, random) => ({
    additional: Array.from({ length: random.pick([2, 2, 3, 100]) }, () =>
      opt(random.pick(payloadSizes), 0, random.chance(0.3) ? options(random) : empty),
    ),
  }),
  'OPT elsewhere': (_, random) =>
    random.pick([
      { answer: [opt()] },
      { authority: [opt()] },
      { additional: [record(nameOctets('a.'), optType, 1232, 0, empty)] },
    ]),
  TSIG: (_, random) => ({ additional: random.pick([[tsig(random)], [opt(), tsig(random)]]) }),
  'SIG(0)': (_, random) => ({
    additional: [record(root, sigType, 255, 0, random.bytes(random.pick([0, 18, 19, 60])))],
  }),
  records: ({ name }, random) => {
    const section = () => (random.chance(0.5) ? [anyRecord(random, name)] : [])
    return { answer: section(), authority: section(), additional: section() }
  },
  tail: (_, random) => ({ tail: random.bytes(random.pick([1, 11, 500, 513, 4000, 4097, random.below(9000)])) }),
}

const damages: Readonly<Record<string, Damage>> = {
  none: (octets) => octets,
  'bit flips': (octets, random) => {
    for (let left = 1 + random.below(8); left > 0; left--) octets[random.below(octets.length)]! ^= 1 << random.below(8)
    return octets
  },
  octets: (octets, random) => {
    for (let left = 1 + random.below(4); left > 0; left--) octets[random.below(octets.length)] = random.below(256)
    return octets
  },
  cut: (octets, random) => octets.subarray(0, random.below(octets.length + 1)),
  counts: (octets, random) => {
    octets.writeUInt16BE(random.pick([0, 1, 2, 3, 255, 65535]), 4 + 2 * random.below(4))
    return octets
  },
  splice: (octets, random) => {
    const at = random.below(octets.length)
    return Buffer.concat([
      octets.subarray(0, at),
      random.bytes(random.below(20)),
      octets.subarray(random.below(octets.length)),
    ])
  },
  twice: (octets) => Buffer.concat([octets, octets]),
}

function noise(random: Random): Buffer {
  return random.bytes(random.pick([random.below(12), 12, 12 + random.below(60), random.below(600), random.below(9000)]))
}

const mutationList = Object.values(mutations)
const damageList = Object.values(damages)

/** One datagram about one of these names. Its first two octets, if it has them, are for the caller to set. */
export function hostileDatagram(random: Random, names: readonly Buffer[]): Buffer {
  if (random.chance(0.05)) return noise(random)
  let parts: Parts = {
    flags: rd,
    name: random.pick(names),
    type: random.pick(types),
    class: 1,
    answer: [],
    authority: [],
    additional: random.chance(0.5) ? [opt(random.pick(payloadSizes))] : [],
    tail: empty,
  }
  for (let left = random.pick([1, 1, 2]); left > 0; left--)
    parts = { ...parts, ...random.pick(mutationList)(parts, random) }
  const octets = assemble(parts)
  return random.chance(0.5) ? octets : random.pick(damageList)(octets, random)
}

/** A query as it should be, with an OPT. */
export function plainQuery(id: number, name: string, type: number): Buffer {
  return Buffer.concat([u16(id, rd, 1, 0, 0, 1), nameOctets(name), u16(type, 1), opt()])
}
