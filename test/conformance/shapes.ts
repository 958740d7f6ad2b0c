/** Datagrams that no resolver should send: what is done to the octets of a well-formed question. */
import { type as rrType } from '../../src/dns/codes.ts'

/** Offsets of the counts in the header. */
const count = { question: 4, answer: 6, authority: 8, additional: 10 } as const

const headerLength = 12

/** `name` 0 IN A 192.0.2.66, the name being the question's. */
const record = (type: number = rrType.A): Uint8Array =>
  Uint8Array.of(0xc0, headerLength, type >> 8, type & 255, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, 66)

const emptyOpt = (flags = 0, payloadSize = 1232): Uint8Array =>
  Uint8Array.of(0, 0, rrType.OPT, payloadSize >> 8, payloadSize & 255, 0, 0, flags >> 8, flags & 255, 0, 0)

function append(octets: Uint8Array, section: keyof typeof count, ...added: readonly Uint8Array[]): Uint8Array {
  const whole = Buffer.concat([octets, ...added])
  whole.writeUInt16BE(whole.readUInt16BE(count[section]) + added.length, count[section])
  return whole
}

function edited(octets: Uint8Array, edit: (octets: Buffer) => void): Uint8Array {
  const copy = Buffer.from(octets)
  edit(copy)
  return copy
}

const question = (octets: Uint8Array) => octets.subarray(headerLength)

/** Each takes the question without EDNS, in one datagram, and gives what is sent instead. */
export const shapes: Readonly<Record<string, (octets: Uint8Array) => Uint8Array>> = {
  'no question': (octets) => edited(octets.subarray(0, headerLength), (copy) => copy.writeUInt16BE(0, count.question)),
  'a question that is not counted': (octets) => edited(octets, (copy) => copy.writeUInt16BE(0, count.question)),
  'two questions': (octets) => append(octets, 'question', question(octets)),
  'a counted question that is missing': (octets) => octets.subarray(0, headerLength),
  'a question that is cut in its type': (octets) => octets.subarray(0, -3),
  'a question that is cut in its name': (octets) => octets.subarray(0, headerLength + 3),
  'trailing octets': (octets) => Buffer.concat([octets, Buffer.from('trailing')]),
  'an answer record': (octets) => append(octets, 'answer', record()),
  'two answer records': (octets) => append(octets, 'answer', record(), record()),
  'an authority record': (octets) => append(octets, 'authority', record()),
  'two authority records': (octets) => append(octets, 'authority', record(), record()),
  'two additional records': (octets) => append(octets, 'additional', record(), record()),
  'three additional records': (octets) => append(octets, 'additional', record(), record(), record()),
  'an additional record that is cut': (octets) => append(octets, 'additional', record().subarray(0, -2)),
  'an additional record that is missing': (octets) => edited(octets, (copy) => copy.writeUInt16BE(1, count.additional)),
  'an OPT record behind another record': (octets) => append(octets, 'additional', record(), emptyOpt()),
  'two OPT records': (octets) => append(octets, 'additional', emptyOpt(0, 4096), emptyOpt(0x8000, 1232)),
  'an OPT record as answer': (octets) => append(octets, 'answer', emptyOpt()),
  'an OPT record that is cut': (octets) => append(octets, 'additional', emptyOpt().subarray(0, -1)),
  'an OPT record with an owner': (octets) =>
    append(octets, 'additional', Buffer.concat([Uint8Array.of(1, 0x78), emptyOpt()])),
  'an EDNS option longer than its record': (octets) =>
    append(octets, 'additional', Buffer.concat([emptyOpt().subarray(0, -1), Uint8Array.of(4, 0, 10, 0, 8)])),
  'every bit of the header that a reply sets': (octets) =>
    edited(octets, (copy) => {
      copy[2]! |= 0x06
      copy[3]! |= 0xc5
    }),
  'a reply': (octets) => edited(octets, (copy) => (copy[2]! |= 0x80)),
  'a name that points to itself': (octets) =>
    Buffer.concat([octets.subarray(0, headerLength), Uint8Array.of(0xc0, headerLength, 0, 1, 0, 1)]),
  // A type of its own: CoreDNS's cache is to have nothing that ours does not.
  'a name that points into the header': (octets) =>
    Buffer.concat([octets.subarray(0, headerLength), Uint8Array.of(0xc0, 4, 0, rrType.HINFO, 0, 1)]),
  'a label of a reserved kind': (octets) =>
    Buffer.concat([octets.subarray(0, headerLength), Uint8Array.of(0x41, 0x61, 0, 0, 1, 0, 1)]),
  'a name of more than 255 octets': (octets) =>
    Buffer.concat([
      octets.subarray(0, headerLength),
      ...Array.from({ length: 5 }, () => Buffer.concat([Uint8Array.of(60), Buffer.alloc(60, 'n')])),
      Uint8Array.of(0, 0, 1, 0, 1),
    ]),
}
