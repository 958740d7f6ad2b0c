/** `slicedns.io/split: stable=90,canary.other=10`: the backends of a traffic split, each with its share. */
import { type NamedAnnotation, type Parsed, parsed, problem } from '../../annotations/annotation.ts'

export interface SplitBackend {
  /** Undefined for the namespace of the annotated service. */
  readonly namespace: string | undefined
  readonly name: string
  /** A whole number, in proportion to the others. 0: only when no other backend is left. */
  readonly share: number
}

const maxBackends = 32
const maxShare = 100_000
const decimals = 3
/** What the 16 bits of a weight express (RFC 2782), with some room for rounding. */
const maxRatio = 10_000

const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?'
const backend = new RegExp(`^(${label})(?:\\.(${label}))?$`)
const share = new RegExp(`^\\d{1,6}(?:\\.\\d{1,${decimals}})?$`)

/** The sum of the shares fits 32 bits. */
export const splitAnnotation: NamedAnnotation<readonly SplitBackend[]> = {
  key: 'split',
  on: ['Service'],
  parse: parseSplit,
}

function parseSplit(text: string): Parsed<readonly SplitBackend[]> {
  if (text.trim() === '') return problem('syntax', 'must name the backends, such as stable=90,canary=10')
  const words = text.split(',', maxBackends + 1)
  if (words.length > maxBackends) return problem('range', `must name at most ${maxBackends} backends`)
  const backends: SplitBackend[] = []
  for (const word of words) {
    const read = parseBackend(word)
    if (!read.ok) return read
    backends.push(read.value)
  }
  const names = backends.map(({ name, namespace }) => `${name}.${namespace ?? ''}`)
  const again = backends.find((_, i) => names.indexOf(names[i]) < i)
  if (again) return problem('refused', `must name each backend once, but repeats ${again.name}`)
  const shares = backends.map((each) => each.share).filter((each) => each > 0)
  if (shares.length === 0) return problem('range', 'at least one share must be above 0')
  if (Math.max(...shares) > maxRatio * Math.min(...shares)) {
    return problem('range', `the largest share must be at most ${maxRatio} times the smallest one above 0`)
  }
  return parsed(inSmallestNumbers(backends))
}

function parseBackend(word: string): Parsed<SplitBackend> {
  const [left, right, ...rest] = word.split('=').map((part) => part.trim())
  const named = backend.exec(left)
  if (!named || right === undefined || rest.length > 0) {
    return problem('syntax', 'each backend must be NAME=SHARE or NAME.NAMESPACE=SHARE, in lower case')
  }
  if (!share.test(right)) {
    return problem('syntax', `a share must be a number from 0 to ${maxShare} with at most ${decimals} decimals`)
  }
  // Thousandths, without the error of a binary fraction.
  const thousandths = Math.round(Number(right) * 10 ** decimals)
  if (thousandths > maxShare * 10 ** decimals) return problem('range', `a share must be at most ${maxShare}`)
  return parsed({ name: named[1], namespace: named[2], share: thousandths })
}

/** 99.9 and 0.1 become 999 and 1; numbers that were whole stay what they were. */
function inSmallestNumbers(backends: readonly SplitBackend[]): readonly SplitBackend[] {
  let unit = 10 ** decimals
  while (backends.some(({ share }) => share % unit !== 0)) unit /= 10
  return backends.map((each) => ({ ...each, share: each.share / unit }))
}
