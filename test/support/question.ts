/** Queries made by hand: every server is asked with the same octets, and none of them through our own codec. */

const types: Readonly<Record<string, number>> = { A: 1, NS: 2, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33 }

/** `NAME TYPE` as a message with RD and an OPT of 1,232 octets. Labels are ASCII without escapes. */
export function question(text: string, id: number): Buffer {
  const [name, type] = text.split(' ') as [string, string]
  const labels = name.split('.').filter((label) => label !== '')
  const head = Buffer.from([id >> 8, id & 0xff, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1])
  const owner = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  const tail = Buffer.from([0, 0, types[type]!, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0, 0, 0])
  return Buffer.concat([head, ...owner, tail])
}
