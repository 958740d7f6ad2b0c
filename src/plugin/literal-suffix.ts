/**
 * The text that ends every name in which a regular expression finds a match: what stands between the last part that can
 * vary and a final `$`. '' where nothing is proven. It reads the syntax that RE2 and JavaScript share, and proves
 * nothing of an expression that has other parts. Letters are lower case, as names are.
 */
export function literalSuffix(source: string): string {
  const parts = partsOf(source)
  if (parts?.at(-1) !== 'end') return ''
  let suffix = ''
  for (const part of parts.slice(0, -1).toReversed()) {
    if (typeof part === 'string') break
    suffix = part.literal.toLowerCase() + suffix
  }
  return suffix
}

/** One character, the end of the name, or what can vary (or be empty). */
type Part = { readonly literal: string } | 'end' | 'any'

/** Escapes that stand for one character or none; others (`\x41`, `\pL`, `\1`, `\Q`) are not read. */
const oneCharacter = /^[dDsSwWbBAafnrtv]$/

/** The parts in order, groups opened; undefined where the expression is not understood, or has alternatives. */
function partsOf(source: string): Part[] | undefined {
  let at = 0

  /** Reads to the end of the expression or of the group. Throws Unread. */
  function sequence(nested: boolean): Part[] {
    const units: Part[][] = []
    let alternatives = false
    while (at < source.length && !(nested && source[at] === ')')) {
      const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(source.slice(at))?.[0]
      if (quantifier !== undefined) {
        at += quantifier.length
        units[Math.max(0, units.length - 1)] = ['any']
      } else if (source[at] === '|') {
        at++
        alternatives = true
      } else units.push(unit())
    }
    return alternatives ? ['any'] : units.flat()
  }

  function unit(): Part[] {
    const character = source[at++]
    if (character === '(') return group()
    if (character === '[') return [characterClass()]
    if (character === '\\') return [escaped()]
    if (character === '$') return ['end']
    if (character === '.' || character === '^') return ['any']
    if (character === ')') throw new Unread()
    return [{ literal: character }]
  }

  function group(): Part[] {
    const head = /^(?:\?(?:[imsU-]*(?<flags>\))|[imsU-]*:|P?<\w+>))?/.exec(source.slice(at))!
    at += head[0].length
    if (head.groups?.flags !== undefined) return []
    // Looks ahead and behind, and whatever else begins so.
    if (source[at] === '?') throw new Unread()
    const parts = sequence(true)
    if (source[at++] !== ')') throw new Unread()
    return parts
  }

  /** `[.]` is a literal, every other class varies. */
  function characterClass(): Part {
    const found = /^(?:(?<single>[^\\\]^[])|\\(?<escaped>[^\w]))\]|^\^?(?:[^\\\]]|\\[^Q])+\]/.exec(source.slice(at))
    if (!found || source.slice(at, at + found[0].length).includes('[')) throw new Unread()
    at += found[0].length
    const literal = found.groups?.single ?? found.groups?.escaped
    return literal === undefined ? 'any' : { literal }
  }

  function escaped(): Part {
    const character = source[at++] ?? ''
    if (character === 'z') return 'end'
    if (oneCharacter.test(character)) return 'any'
    if (/^\W$/.test(character)) return { literal: character }
    throw new Unread()
  }

  try {
    return sequence(false)
  } catch (error) {
    if (error instanceof Unread) return undefined
    throw error
  }
}

class Unread extends Error {}
