/**
 * An answer whose names are chains of compression pointers (RFC 1035 §4.1.4): one record's rdata is a chain of thousands
 * of pointers, each to the one before it, and the owners of all others point to its ends in turn.
 */
const largest = 61_000
const pointersInChain = 8_100

export function pointerChains(head: Buffer): Buffer {
  const chainAt = head.length + 12
  const chain = Buffer.alloc(2 * pointersInChain)
  // The first leads to the question's name, each other one to its predecessor.
  for (let i = 0; i < pointersInChain; i++)
    chain.writeUInt16BE(0xc000 | (i === 0 ? 12 : Math.min(0x3fff, chainAt + 2 * (i - 1))), 2 * i)
  const first = Buffer.concat([Buffer.from('c00cff00000100000005', 'hex'), u16(chain.length), chain])
  const last = Math.min(0x3fff, chainAt + 2 * (pointersInChain - 1))
  const records = [first]
  let size = head.length + first.length
  for (let i = 0; size < largest; i++) {
    const owner = u16(0xc000 | (i % 2 === 0 ? last : last - 2))
    const record = Buffer.concat([owner, Buffer.from('00010001000000050004c0000201', 'hex')])
    records.push(record)
    size += record.length
  }
  const message = Buffer.concat([head, ...records])
  message.writeUInt16BE(0x8180, 2)
  message.writeUInt16BE(records.length, 6)
  message.writeUInt32BE(0, 8)
  return message
}

function u16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}
