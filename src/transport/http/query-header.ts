const headerBytes = 12

/** Whether the header is that of a query. CoreDNS, too, checks nothing else before it rejects a message over HTTP. */
export function hasQueryHeader(message: Uint8Array): boolean {
  if (message.length < headerBytes || (message[2] & 0x80) !== 0) return false
  const count = (at: number) => (message[at] << 8) | message[at + 1]
  return count(4) === 1 && count(6) <= 1 && count(8) <= 1 && count(10) <= 2
}
