/** Octets of somebody else's text that go into one message of ours: the API server's own messages fit many times. */
const maxOctets = 1024

/** The text, or its beginning and how much was left out. */
export function excerpt(text: string): string {
  if (text.length <= maxOctets) return text
  const octets = Buffer.from(text)
  if (octets.length <= maxOctets) return text
  let end = maxOctets
  // Not in the middle of a character.
  while ((octets[end] & 0xc0) === 0x80) end--
  return `${octets.toString('utf8', 0, end)}… ${octets.length - end} more octets`
}
