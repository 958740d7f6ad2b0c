/** `split`: `stable=90,canary.other=10`, the services that a name's traffic is split over, and each one's share of it. */
import { type Parsed, parsed, problem } from '../../annotations/parsed.ts'

export interface SplitBackend {
  /** Undefined for the namespace of the service that is annotated. */
  readonly namespace: string | undefined
  readonly name: string
  /** Whole numbers in the proportion that was written; 0 means only when nothing else is left. */
  readonly share: number
}

export const maxBackends = 32
const maxShare = 100_000
const decimals = 3
/** What 16 bits can express (RFC 2782), with something left for rounding. */
const maxRatio = 10_000

const label = '[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?'
const backend = new RegExp(`^(${label})(?:\\.(${label}))?$`)
const share = new RegExp(`^\\d{1,6}(?:\\.\\d{1,${decimals}})?$`)

/** The sum of the shares fits 32 bits. */
export function parseSplit(text: string): Parsed<readonly SplitBackend[]> {
  if (text.trim() === '') return problem('syntax', 'it must name the backends: stable=90,canary=10')
  const words = text.split(',', maxBackends + 1)
  if (words.length > maxBackends) return problem('range', `it may name at most ${maxBackends} backends`)
  const backends: SplitBackend[] = []
  for (const word of words) {
    const read = parseBackend(word)
    if (!read.ok) return read
    backends.push(read.value)
  }
  const names = backends.map(({ name, namespace }) => `${name}.${namespace ?? ''}`)
  const again = backends.find((_, i) => names.indexOf(names[i]) < i)
  if (again) return problem('refused', `it may name each backend once, ${again.name} is there again`)
  const shares = backends.map((each) => each.share).filter((each) => each > 0)
  if (shares.length === 0) return problem('range', 'one of the shares must be above 0')
  if (Math.max(...shares) > maxRatio * Math.min(...shares)) {
    return problem('range', `the largest share may be ${maxRatio} times the smallest one above 0`)
  }
  return parsed(inSmallestNumbers(backends))
}

function parseBackend(word: string): Parsed<SplitBackend> {
  const [left, right, ...rest] = word.split('=').map((part) => part.trim())
  const named = backend.exec(left)
  if (!named || right === undefined || rest.length > 0) {
    return problem('syntax', 'each backend is written NAME=SHARE or NAME.NAMESPACE=SHARE, in lower case')
  }
  if (!share.test(right)) {
    return problem('syntax', `a share is a number from 0 to ${maxShare} with at most ${decimals} decimals`)
  }
  // Thousandths, without the error of a binary fraction.
  const thousandths = Math.round(Number(right) * 10 ** decimals)
  if (thousandths > maxShare * 10 ** decimals) return problem('range', `a share is at most ${maxShare}`)
  return parsed({ name: named[1], namespace: named[2], share: thousandths })
}

/** 99.9 and 0.1 become 999 and 1; numbers that were whole stay what they were. */
function inSmallestNumbers(backends: readonly SplitBackend[]): readonly SplitBackend[] {
  let unit = 10 ** decimals
  while (backends.some(({ share }) => share % unit !== 0)) unit /= 10
  return backends.map((each) => ({ ...each, share: each.share / unit }))
}
