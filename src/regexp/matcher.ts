/**
 * Runs a program over a text: a backtracking search that never visits one instruction at one place twice, as RE2's own
 * (https://swtch.com/~rsc/regexp/regexp3.html). It takes at most as many steps as the product of both lengths;
 * `maxSteps` bounds that where a pattern's repetitions make it long. A search allocates nothing but the groups of a
 * match.
 */
import type { Literal } from './literals.ts'
import { condition, operation, type Program } from './program.ts'

/**
 * Steps that one search may take, somewhat less than a millisecond. Ordinary rules take about a hundred; only patterns
 * with hundreds of repetitions reach the bound.
 */
export const maxSteps = 40_000

/** The cost of starting a search, in steps. */
const stepsOfSearch = 8

/** The steps that are left for everything that is evaluated for one question. */
export interface StepAllowance {
  left: number
}

/** A search reached `maxSteps`, or its allowance is used up: whether the text matches is not known. */
export class StepsError extends Error {
  override readonly name = 'StepsError'
}

/** Throws StepsError when no steps are left. A search that has begun may exceed the allowance by up to `maxSteps`. */
export function beginWithin(allowance: StepAllowance | undefined): void {
  if (allowance !== undefined && allowance.left <= 0)
    throw new StepsError('regular expressions and expressions take too many steps for one question')
}

const abbreviated = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

// State of the running search, which is never interrupted.

/** One bit for each join and place that the search has visited. */
let visited = new Uint32Array(1024)
/** Branches still to try: an instruction and a place, or -1 - slot and the slot's earlier value. */
let stack = new Int32Array(2048)
let slots = new Int32Array(64)

/** The groups of the last search: places by slot, -1 where a group took no part. */
export const found = (): Int32Array => slots

/** How many steps the last search took. */
let taken = 0
export const stepsTaken = (): number => taken

/**
 * Searches for the leftmost match, in RE2's order of preference. `captures`: its groups are wanted. Throws StepsError.
 */
export function search(program: Program, text: string, captures: boolean, allowance?: StepAllowance): boolean {
  beginWithin(allowance)
  try {
    return searchWithin(program, text, captures)
  } finally {
    if (allowance !== undefined) allowance.left -= taken + stepsOfSearch
  }
}

function searchWithin(program: Program, text: string, captures: boolean): boolean {
  const { literals, start, slots: slotCount, joinCount, anchored, operations, args, classes, outs } = program
  taken = 0
  // Most names do not concern the rule.
  if (literals.length > 0 && !hasLiterals(literals, text.toLowerCase())) return false
  const bits = joinCount * (text.length + 1)
  const words = (bits + 31) >>> 5
  if (visited.length < words) visited = new Uint32Array(words * 2)
  else visited.fill(0, 0, words)
  if (slots.length < slotCount) slots = new Int32Array(slotCount * 2)
  let first = start
  while (operations[first] === operation.capture) first = outs[first]
  for (let from = 0; from <= text.length; from++) {
    // The first character alone rules out most places.
    if (operations[first] === operation.character && args[first] < 0xd800) {
      from = text.indexOf(String.fromCharCode(args[first]), from)
      if (from === -1) return false
    } else if (operations[first] === operation.class && from < text.length) {
      const code = text.charCodeAt(from)
      if (code < 128 && classes[args[first]].ascii[code] === 0) {
        if (anchored) return false
        continue
      }
    }
    if (captures) slots.fill(-1, 0, slotCount)
    if (searchFrom(program, text, from, captures)) return true
    if (anchored) return false
    if (isHighSurrogate(text, from)) from++
  }
  return false
}

function hasLiterals(literals: readonly Literal[], lower: string): boolean {
  for (const { at, text } of literals)
    if (at === 'end' ? !lower.endsWith(text) : at === 'start' ? !lower.startsWith(text) : !lower.includes(text))
      return false
  return true
}

function isHighSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return code >= 0xd800 && code < 0xdc00 && (text.codePointAt(at) as number) > 0xffff
}

function searchFrom(program: Program, text: string, from: number, captures: boolean): boolean {
  const { operations, outs, args, classes, joins } = program
  const places = text.length + 1
  let depth = 0
  let at = program.start
  let place = from
  let steps = taken

  for (;;) {
    // Follows one branch until it fails.
    way: for (;;) {
      if (++steps > maxSteps) {
        taken = maxSteps
        throw new StepsError(
          `the regular expression '${abbreviated(program.source)}' takes over ${maxSteps} steps on this text`,
        )
      }
      const join = joins[at]
      if (join > 0) {
        const bit = (join - 1) * places + place
        const mask = 1 << (bit & 31)
        if ((visited[bit >>> 5] & mask) !== 0) break
        visited[bit >>> 5] |= mask
      }
      const arg = args[at]
      switch (operations[at]) {
        case operation.alternative:
          if (depth + 4 > stack.length) stack = grown(stack)
          stack[depth++] = arg
          stack[depth++] = place
          break
        case operation.character: {
          if (text.charCodeAt(place) === arg) place++
          else if (arg > 0xffff && text.codePointAt(place) === arg) place += 2
          else break way
          break
        }
        case operation.class: {
          const code = text.charCodeAt(place)
          if (code < 128) {
            if (classes[arg].ascii[code] === 0) break way
            place++
          } else {
            const codePoint = text.codePointAt(place)
            if (codePoint === undefined || !classes[arg].has(codePoint)) break way
            place += codePoint > 0xffff ? 2 : 1
          }
          break
        }
        case operation.any:
        case operation.anyButNewline: {
          if (place >= text.length) break way
          const code = text.charCodeAt(place)
          if (code === 10 && operations[at] === operation.anyButNewline) break way
          place += code >= 0xd800 && isHighSurrogate(text, place) ? 2 : 1
          break
        }
        case operation.capture:
          if (captures) {
            if (depth + 4 > stack.length) stack = grown(stack)
            stack[depth++] = -1 - arg
            stack[depth++] = slots[arg]
            slots[arg] = place
          }
          break
        case operation.condition:
          if (!holds(arg, text, place)) break way
          break
        case operation.match:
          taken = steps
          if (captures) {
            slots[0] = from
            slots[1] = place
          }
          return true
        default:
          break way
      }
      at = outs[at]
    }
    // Takes up the next branch.
    do {
      if (depth === 0) {
        taken = steps
        return false
      }
      place = stack[--depth]
      at = stack[--depth]
      if (at < 0) slots[-1 - at] = place
    } while (at < 0)
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

function holds(conditions: number, text: string, place: number): boolean {
  if ((conditions & condition.beginText) !== 0 && place !== 0) return false
  if ((conditions & condition.endText) !== 0 && place !== text.length) return false
  if ((conditions & condition.beginLine) !== 0 && place !== 0 && text.charCodeAt(place - 1) !== 10) return false
  if ((conditions & condition.endLine) !== 0 && place !== text.length && text.charCodeAt(place) !== 10) return false
  if ((conditions & (condition.wordBoundary | condition.noWordBoundary)) === 0) return true
  const isBoundary = isWord(text, place - 1) !== isWord(text, place)
  return isBoundary ? (conditions & condition.noWordBoundary) === 0 : (conditions & condition.wordBoundary) === 0
}

/** ASCII letters, digits and `_`, as in Go. */
function isWord(text: string, at: number): boolean {
  const code = text.charCodeAt(at)
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95
}
