/** Changes of inputs: bits, octets, numbers, words, pieces of the same or another input. */
import type { Random } from '../../hostile/random.ts'
import type { Target } from './target.ts'

export interface MutationSources {
  readonly target: Target
  readonly random: Random
  /** Words of the target and texts of the sources. */
  readonly words: readonly Uint8Array[]
  /** Another input of the corpus. */
  other(): Uint8Array
}

/** One to a few changes of an input; the result has at most the target's octets. */
export function mutate(input: Uint8Array, sources: MutationSources): Uint8Array {
  const { random, target } = sources
  let result = input
  for (let changes = 1 + random.below(1 << random.below(5)); changes > 0; changes--) {
    const ownChange = target.mutate && random.chance(0.4) ? target.mutate(result, random) : undefined
    result = ownChange ?? random.pick(changesOf)(result, sources)
  }
  return result.length > target.maxOctets ? result.subarray(0, target.maxOctets) : result
}

type Change = (input: Uint8Array, sources: MutationSources) => Uint8Array

const changesOf: readonly Change[] = [
  flipBit,
  setOctet,
  setOctet,
  setNumber,
  insertOctets,
  remove,
  remove,
  repeat,
  move,
  insertWord,
  insertWord,
  replaceByWord,
  replaceByWord,
  changeDecimal,
  splice,
  insertPiece,
]

/** Where numbers change their meaning. */
const interesting = [0, 1, 2, 3, 4, 7, 8, 11, 12, 15, 16, 31, 32, 63, 64, 127, 128, 191, 192, 255]
const interestingWords = [0, 1, 0xff, 0x100, 0x7fff, 0x8000, 0xc00c, 0xfffe, 0xffff]
const decimals = [
  '0',
  '1',
  '-1',
  '00',
  '7',
  '8',
  '31',
  '32',
  '33',
  '53',
  '63',
  '64',
  '65',
  '127',
  '128',
  '129',
  '255',
  '256',
]
const longDecimals = [
  '1000',
  '3600',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '4294967295',
  '4294967296',
  '1e9',
  '0x1f',
  '9007199254740993',
  '99999999999999999999',
]

function flipBit(input: Uint8Array, { random }: MutationSources): Uint8Array {
  if (input.length === 0) return input
  const result = input.slice()
  result[random.below(result.length)] ^= 1 << random.below(8)
  return result
}

function setOctet(input: Uint8Array, { random }: MutationSources): Uint8Array {
  if (input.length === 0) return input
  const result = input.slice()
  result[random.below(result.length)] = random.chance(0.5) ? random.pick(interesting) : random.below(256)
  return result
}

function setNumber(input: Uint8Array, { random }: MutationSources): Uint8Array {
  if (input.length < 2) return input
  const result = input.slice()
  const at = random.below(result.length - 1)
  const value = random.chance(0.5)
    ? random.pick(interestingWords)
    : ((result[at] << 8) | result[at + 1]) + random.below(9) - 4
  result[at] = value >> 8
  result[at + 1] = value
  return result
}

function insertOctets(input: Uint8Array, { random }: MutationSources): Uint8Array {
  const octets = random.bytes(1 + random.below(4))
  return replace(input, random.below(input.length + 1), 0, random.chance(0.5) ? octets.fill(octets[0]) : octets)
}

function remove(input: Uint8Array, { random }: MutationSources): Uint8Array {
  const { at, length } = piece(input, random)
  return replace(input, at, length, nothing)
}

/** The same piece several times: lists, nesting, numbers of many digits. */
function repeat(input: Uint8Array, { random, target }: MutationSources): Uint8Array {
  const { at, length } = piece(input, random)
  if (length === 0) return input
  const most = Math.max(1, Math.floor((target.maxOctets - input.length) / length))
  const times = Math.min(most, 1 + random.below(random.chance(0.05) ? 2000 : 4))
  const copies = new Uint8Array(length * times)
  for (let i = 0; i < times; i++) copies.set(input.subarray(at, at + length), i * length)
  return replace(input, at, 0, copies)
}

function move(input: Uint8Array, { random }: MutationSources): Uint8Array {
  const { at, length } = piece(input, random)
  const moved = input.slice(at, at + length)
  const rest = replace(input, at, length, nothing)
  return replace(rest, random.below(rest.length + 1), 0, moved)
}

function insertWord(input: Uint8Array, { random, words }: MutationSources): Uint8Array {
  return replace(input, random.below(input.length + 1), 0, random.pick(words))
}

/** What stands between blanks and signs, or as many octets as the word has. */
function replaceByWord(input: Uint8Array, { random, words }: MutationSources): Uint8Array {
  const word = random.pick(words)
  const at = random.below(input.length + 1)
  if (random.chance(0.3)) return replace(input, at, Math.min(word.length, input.length - at), word)
  let [from, to] = [at, at]
  while (from > 0 && isWordOctet(input[from - 1])) from--
  while (to < input.length && isWordOctet(input[to])) to++
  return replace(input, from, to - from, word)
}

function changeDecimal(input: Uint8Array, sources: MutationSources): Uint8Array {
  const { random } = sources
  const start = random.below(input.length + 1)
  let from = start
  while (from < input.length && !isDigit(input[from])) from++
  if (from === input.length) return setOctet(input, sources)
  let to = from
  while (to < input.length && isDigit(input[to])) to++
  const text = random.pick(random.chance(0.5) ? decimals : longDecimals)
  return replace(input, from, to - from, Buffer.from(text))
}

function splice(input: Uint8Array, { random, other }: MutationSources): Uint8Array {
  const second = other()
  const [at, from] = [random.below(input.length + 1), random.below(second.length + 1)]
  return replace(input, at, input.length - at, second.subarray(from))
}

function insertPiece(input: Uint8Array, { random, other }: MutationSources): Uint8Array {
  const second = other()
  const { at, length } = piece(second, random)
  const to = random.below(input.length + 1)
  return replace(input, to, random.chance(0.5) ? 0 : Math.min(length, input.length - to), second.slice(at, at + length))
}

const nothing = new Uint8Array(0)

const isDigit = (octet: number): boolean => octet >= 0x30 && octet <= 0x39
const isWordOctet = (octet: number): boolean =>
  isDigit(octet) ||
  (octet >= 0x41 && octet <= 0x5a) ||
  (octet >= 0x61 && octet <= 0x7a) ||
  octet === 0x5f ||
  octet > 0x7f

/** Mostly short. */
function piece(input: Uint8Array, random: Random): { readonly at: number; readonly length: number } {
  const at = random.below(input.length + 1)
  const length = random.below(Math.min(input.length - at, 1 << (1 + random.below(8))) + 1)
  return { at, length }
}

function replace(input: Uint8Array, at: number, length: number, by: Uint8Array): Uint8Array {
  const result = new Uint8Array(input.length - length + by.length)
  result.set(input.subarray(0, at))
  result.set(by, at)
  result.set(input.subarray(at + length), at + by.length)
  return result
}
