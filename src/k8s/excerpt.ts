/** Octets of foreign text included in a message: far above the API server's own messages. */
const maxOctets = 1024

/** The text, or its beginning and the number of octets omitted. */
export function excerpt(text: string): string {
  if (text.length <= maxOctets) return text
  const octets = Buffer.from(text)
  if (octets.length <= maxOctets) return text
  let end = maxOctets
  // Do not split a character.
  while ((octets[end] & 0xc0) === 0x80) end--
  return `${octets.toString('utf8', 0, end)}… ${octets.length - end} more octets`
}
