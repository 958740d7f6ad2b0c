/**
 * A pattern as a program for matcher.ts: RE2's instructions, as re2js compiles them, in arrays of numbers. An
 * instruction takes some 20 octets here and 150 in re2js, and a Corefile may have thousands of patterns.
 */

import type { Literal } from './literals.ts'

/** `character`, `class` and `any…` take one character and go on at `out`; the others take none. */
export const operation = {
  fail: 0,
  match: 1,
  /** Goes on at `out`, and if that does not match, at `arg`. */
  alternative: 2,
  /** Stores the place in slot `arg`. */
  capture: 3,
  /** Goes on where the conditions in `arg` hold: see `condition`. */
  condition: 4,
  /** The character `arg`. */
  character: 5,
  /** A character of class `arg`. */
  class: 6,
  any: 7,
  anyButNewline: 8,
} as const

/** Zero-width assertions about a place in the text. */
export const condition = {
  beginLine: 1,
  endLine: 2,
  beginText: 4,
  endText: 8,
  wordBoundary: 16,
  noWordBoundary: 32,
} as const

export interface CharacterClass {
  /** By code, below 128: 1 where the class has the character. */
  readonly ascii: Uint8Array
  has(codePoint: number): boolean
}

export interface Program {
  /** The pattern. */
  readonly source: string
  /** Texts that every match contains, in lower case. */
  readonly literals: readonly Literal[]
  readonly operations: Uint8Array
  readonly outs: Uint16Array
  readonly args: Int32Array
  readonly classes: readonly CharacterClass[]
  readonly start: number
  /** Two for each group, the whole match included. */
  readonly slots: number
  /** For each instruction that several others lead to, a number from 1 on; 0 for all others. */
  readonly joins: Uint16Array
  readonly joinCount: number
  /** Every match begins at the beginning of the text. */
  readonly anchored: boolean
}

/** The part of re2js's programs that is read. */
export interface CompiledProgram {
  readonly inst: readonly Instruction[]
  readonly start: number
}

interface Instruction {
  readonly op: number
  readonly out: number
  readonly arg: number
  readonly runes: Int32Array
  matchRune(codePoint: number): boolean
}

/** Numbers of instructions in re2js. */
const compiled = {
  alt: 1,
  altMatch: 2,
  capture: 3,
  emptyWidth: 4,
  match: 6,
  nop: 7,
  rune: 8,
  rune1: 9,
  runeAny: 10,
  runeAnyNotNewline: 11,
} as const

const foldCase = 1

export function translate(
  { inst, start }: CompiledProgram,
  known: Pick<Program, 'source' | 'literals' | 'slots'>,
): Program {
  const count = inst.length
  const operations = new Uint8Array(count)
  const outs = new Uint16Array(count)
  const args = new Int32Array(count)
  const classes: CharacterClass[] = []
  const classNumbers = new Map<string, number>()

  /** The instruction at `at`, or the first one after it that is not a no-op. */
  function target(at: number): number {
    while (inst[at].op === compiled.nop) at = inst[at].out
    return at
  }

  function classNumber(instruction: Instruction): number {
    const key = `${instruction.arg & foldCase} ${instruction.runes.join(' ')}`
    const known = classNumbers.get(key)
    if (known !== undefined) return known
    classNumbers.set(key, classes.length)
    return classes.push(createClass(instruction)) - 1
  }

  function translateOne(at: number, { op, out, arg, runes }: Instruction): void {
    outs[at] = target(out)
    switch (op) {
      case compiled.alt:
      case compiled.altMatch:
        operations[at] = operation.alternative
        args[at] = target(arg)
        return
      case compiled.capture:
        operations[at] = operation.capture
        args[at] = arg
        return
      case compiled.emptyWidth:
        operations[at] = operation.condition
        args[at] = arg
        return
      case compiled.match:
        operations[at] = operation.match
        return
      case compiled.rune:
      case compiled.rune1: {
        const isOne = runes.length === 1 && (arg & foldCase) === 0
        operations[at] = isOne ? operation.character : operation.class
        args[at] = isOne ? runes[0] : classNumber(inst[at])
        return
      }
      case compiled.runeAny:
        operations[at] = operation.any
        return
      case compiled.runeAnyNotNewline:
        operations[at] = operation.anyButNewline
        return
    }
  }

  for (let at = 0; at < count; at++) translateOne(at, inst[at])
  const first = target(start)
  const { joins, joinCount } = findJoins(operations, outs, args, first)
  const anchored = isAnchored(operations, outs, args, first)
  return { ...known, operations, outs, args, classes, start: first, joins, joinCount, anchored }
}

/** Outside of `translate`, so that the closure does not retain all of its instructions. */
function createClass(instruction: Instruction): CharacterClass {
  const ascii = Uint8Array.from({ length: 128 }, (_, code) => (instruction.matchRune(code) ? 1 : 0))
  return { ascii, has: (codePoint) => instruction.matchRune(codePoint) }
}

function findJoins(operations: Uint8Array, outs: Uint16Array, args: Int32Array, start: number) {
  const leading = new Uint8Array(operations.length)
  const lead = (to: number): void => {
    if (leading[to] < 2) leading[to]++
  }
  lead(start)
  for (let at = 0; at < operations.length; at++) {
    if (operations[at] === operation.fail || operations[at] === operation.match) continue
    lead(outs[at])
    if (operations[at] === operation.alternative) lead(args[at])
  }
  let joinCount = 0
  const joins = Uint16Array.from(leading, (count) => (count > 1 ? ++joinCount : 0))
  return { joins, joinCount }
}

function isAnchored(operations: Uint8Array, outs: Uint16Array, args: Int32Array, start: number): boolean {
  for (let at = start; ; at = outs[at]) {
    if (operations[at] === operation.condition && (args[at] & condition.beginText) !== 0) return true
    if (operations[at] !== operation.capture && operations[at] !== operation.condition) return false
  }
}
