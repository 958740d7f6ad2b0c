import fc from 'fast-check'

const label = fc.uint8Array({ minLength: 1, maxLength: 63 })
/** Uncompressed octets of a valid name. */
export const wireName = fc.array(label, { maxLength: 10 }).map((labels) => {
  const octets: number[] = []
  for (const each of labels) if (octets.length + each.length + 2 <= 255) octets.push(each.length, ...each)
  return Uint8Array.from([...octets, 0])
})
