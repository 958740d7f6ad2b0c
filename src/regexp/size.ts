/** Estimates how many instructions a pattern makes before it is compiled, because compiling a million takes seconds. */

/**
 * Repetitions are written out: `(a{30}b){30}` is a thousand instructions. Twice as many as the longest pattern makes
 * without repetitions; CoreDNS allows some three million.
 */
export const maxInstructions = 20_000

/** A group stores two places, a repetition and an alternative branch once for each time. */
const groupCost = 2

/** Characters of `(?P<name>`: a longer name counts as what follows it. */
const longestGroupHead = 64

/** `(?i)`: flags for what follows. */
const flagsAlone = /^\(\?[a-zA-Z-]*\)/

/** An estimate, at least half of what the compiler makes of a valid pattern. */
export function estimateInstructions(source: string): number {
  const outer: number[] = []
  let sum = 0
  /** The cost of the part that a repetition would repeat. */
  let last = 0
  const add = (cost: number): void => {
    sum += cost
    last = cost
  }
  for (let at = 0; at < source.length; ) {
    const rest = source.slice(at, at + 16)
    const repetition = /^\{(\d{1,4})(?:,(\d{0,4}))?\}/.exec(rest)
    const character = source[at]
    if (repetition) {
      const times = Math.max(1, Number(repetition[1]), Number(repetition[2] ?? 0))
      sum += last * (times - 1)
      last *= times
      at += repetition[0].length
    } else if (source.startsWith('\\Q', at)) {
      const end = source.indexOf('\\E', at)
      const text = source.slice(at + 2, end === -1 ? source.length : end)
      sum += text.length
      last = 1
      at = end === -1 ? source.length : end + 2
    } else if (character === '\\') {
      add(1)
      at = /^\\[pPx]\{/.test(rest) ? closing(source, at, '}') : at + 2
    } else if (character === '[') {
      add(1)
      at = endOfClass(source, at)
    } else if (flagsAlone.test(source.slice(at, at + longestGroupHead))) {
      // Flags are not a part: a repetition after them repeats what is before them.
      at = closing(source, at, ')')
    } else if (character === '(') {
      outer.push(sum)
      sum = 0
      at += /^\((?:\?(?:P?<\w+>|[a-zA-Z-]*:?))?/.exec(source.slice(at, at + longestGroupHead))![0].length
    } else if (character === ')') {
      const inside = sum + groupCost
      sum = outer.pop() ?? 0
      add(inside)
      at++
    } else {
      if ('*+?|'.includes(character)) sum++
      else add(1)
      at++
    }
  }
  return outer.reduce((total, cost) => total + cost, sum)
}

function closing(source: string, at: number, end: string): number {
  const found = source.indexOf(end, at)
  return found === -1 ? source.length : found + 1
}

function endOfClass(source: string, from: number): number {
  let at = from + 1
  if (source[at] === '^') at++
  if (source[at] === ']') at++
  for (; at < source.length && source[at] !== ']'; at++) {
    if (source[at] === '\\') at++
    else if (source.startsWith('[:', at)) at = closing(source, at, ':]')
  }
  return at + 1
}
