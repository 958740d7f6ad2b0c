/** Changes of DNS messages that know where names, counts and lengths are. */
import type { Random } from '../../hostile/random.ts'

const label = (text: string): Uint8Array => Uint8Array.of(text.length, ...Buffer.from(text))

/** Types with classes, names, pointers, OPT records: what messages are made of. */
export const wireWords: readonly Uint8Array[] = [
  ...[1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 39, 41, 43, 46, 47, 48, 64, 65, 99, 249, 250, 251, 252, 255, 257, 65535].map(
    (type) => Uint8Array.of(type >> 8, type, 0, 1),
  ),
  ...['a', 'www', 'example', 'com', '*', '\\', '.', 'A'].map(label),
  Uint8Array.of(0xc0, 12),
  Uint8Array.of(0xc0, 0),
  Uint8Array.of(0xff, 0xff),
  Uint8Array.of(0x40, 0),
  new Uint8Array(64).fill(97).fill(63, 0, 1),
  Uint8Array.of(0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0),
  Uint8Array.of(0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8),
  Uint8Array.of(0, 8, 0, 7, 0, 1, 24, 0, 10, 0, 0),
  Uint8Array.of(0, 11, 0, 2, 0, 100),
  Uint8Array.of(0, 3, 0, 0),
  Uint8Array.of(0, 0, 0, 60),
]

/** A count of the header, a pointer, the length of a label or of rdata; undefined where there is none. */
export function mutateMessage(input: Uint8Array, random: Random): Uint8Array | undefined {
  if (input.length < 13) return undefined
  const result = input.slice()
  switch (random.below(5)) {
    case 0:
      result[5 + 2 * random.below(4)] = random.below(4)
      return result
    case 1:
      result[2 + random.below(2)] ^= 1 << random.below(8)
      return result
    case 2: {
      const at = 12 + random.below(result.length - 12)
      const to = random.below(Math.min(at + 2, 0x4000))
      result[at] = 0xc0 | (to >> 8)
      if (at + 1 < result.length) result[at + 1] = to
      return result
    }
    case 3:
      return withLength(result, random)
    default:
      return repeated(result, random)
  }
}

/** Sixteen bits somewhere that say how many octets are left, or nearly. */
function withLength(input: Uint8Array, random: Random): Uint8Array {
  const at = 12 + random.below(Math.max(1, input.length - 13))
  const left = Math.max(0, input.length - at - 2 + random.below(3) - 1)
  input[at] = left >> 8
  if (at + 1 < input.length) input[at + 1] = left
  return input
}

/** The last record once more, with its count. */
function repeated(input: Uint8Array, random: Random): Uint8Array {
  const at = 12 + random.below(input.length - 12)
  const count = 6 + 2 * random.below(3)
  const result = Uint8Array.from([...input, ...input.subarray(at)])
  result[count + 1]++
  return result
}
