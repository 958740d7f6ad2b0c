/** The Huffman code of header fields (RFC 7541 §5.2, Appendix B). Decoding only: the server does not use it for encoding. */

/**
 * Symbols by code length, from 5 bits on, in the order of their codes, which are canonical. 256 marks the end of a string
 * and is never sent.
 */
const symbols: readonly (readonly number[])[] = [
  [48, 49, 50, 97, 99, 101, 105, 111, 115, 116],
  [32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109, 110, 112, 114, 117],
  [
    ...[58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89],
    ...[106, 107, 113, 118, 119, 120, 121, 122],
  ],
  [38, 42, 44, 59, 88, 90],
  [],
  [33, 34, 40, 41, 63],
  [39, 43, 124],
  [35, 62],
  [0, 36, 64, 91, 93, 126],
  [94, 125],
  [60, 96, 123],
  [],
  [],
  [],
  [92, 195, 208],
  [128, 130, 131, 162, 184, 194, 224, 226],
  [153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230],
  [
    ...[129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196],
    ...[198, 228, 232, 233],
  ],
  [
    ...[1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168, 174, 175, 180],
    ...[182, 183, 188, 191, 197, 231, 239],
  ],
  [9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237],
  [199, 207, 234, 235],
  [192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255],
  [203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254],
  [
    ...[2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220],
    ...[249],
  ],
  [],
  [10, 13, 22, 256],
]

const shortest = 5
const longest = shortest + symbols.length - 1
const endOfString = 256
/** Padding is a prefix of the code of `endOfString`: at most seven ones. */
const mostPadding = 7

/** For each length its first code, and the end of its codes. */
const firsts: number[] = []
for (let code = 0, i = 0; i < symbols.length; i++) {
  firsts.push(code)
  code = (code + symbols[i].length) * 2
}

/** Decodes into the start of `into`; returns the octets written, or -1 when the code is invalid or does not fit. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let written = 0
  let code = 0
  let bits = 0
  for (let at = start; at < end; at++) {
    const octet = bytes[at]
    for (let bit = 7; bit >= 0; bit--) {
      code = (code << 1) | ((octet >> bit) & 1)
      if (++bits < shortest) continue
      const row = bits - shortest
      const offset = code - firsts[row]
      if (offset < symbols[row].length) {
        const symbol = symbols[row][offset]
        if (symbol === endOfString || written === into.length) return -1
        into[written++] = symbol
        code = 0
        bits = 0
      } else if (bits === longest) return -1
    }
  }
  return bits <= mostPadding && code === (1 << bits) - 1 ? written : -1
}
