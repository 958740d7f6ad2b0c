/** What a reply says, read without our own codec: the judge must not share the server's mistakes. */

export interface ReadReply {
  readonly id: number
  readonly rcode: number
  /** Addresses of the A records of the answer section, targets of its SRV records: sorted. */
  readonly answer: readonly string[]
}

const typeA = 1
const typeSrv = 33

export function readReply(message: Buffer): ReadReply {
  const answer: string[] = []
  let at = 12
  for (let questions = message.readUInt16BE(4); questions > 0; questions--) at = nameAt(message, at).end + 4
  for (let records = message.readUInt16BE(6); records > 0; records--) {
    at = nameAt(message, at).end
    const type = message.readUInt16BE(at)
    const data = at + 10
    if (type === typeA) answer.push([...message.subarray(data, data + 4)].join('.'))
    if (type === typeSrv) answer.push(nameAt(message, data + 6).name)
    at = data + message.readUInt16BE(at + 8)
  }
  return { id: message.readUInt16BE(0), rcode: message[3]! & 15, answer: answer.sort() }
}

function nameAt(message: Buffer, start: number): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let end: number | undefined
  for (let at = start; ; ) {
    const length = message[at]!
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    if (length >= 0xc0) {
      end ??= at + 2
      at = message.readUInt16BE(at) & 0x3fff
    } else {
      labels.push(message.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
  }
}
