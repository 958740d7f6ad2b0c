/** `$GENERATE START-STOP[/STEP] ENTRY`: one entry per number, which replaces `$` (as in BIND and CoreDNS). */
import type { Word } from '../words.ts'

/** Maximum entries of one directive: a network with 16 host bits. More would fill the memory from one short line. */
const maxGenerated = 65_536

interface Range {
  readonly start: number
  readonly stop: number
  readonly step: number
}

/** The words of each entry. Throws RangeError. */
export function* generatedEntries([range, ...template]: readonly Word[]): Generator<Word[], void, undefined> {
  const { start, stop, step } = parseRange(range?.text ?? '')
  if (template.length < 3) throw new RangeError('$GENERATE must have a range, an owner, a type and rdata')
  for (let number = start; number <= stop; number += step)
    yield template.map((word) => ({ ...word, text: expand(word.text, number) }))
}

function parseRange(text: string): Range {
  const [start, stop, step = 1] = /^(\d{1,10})-(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text)?.slice(1).map(toNumber) ?? []
  if (start === undefined || stop === undefined) throw new RangeError(`"${text}" is not a range: write START-STOP/STEP`)
  if (step < 1 || stop < start) throw new RangeError(`the range "${text}" is empty`)
  if (stop > 0x7fffffff) throw new RangeError(`the range "${text}" exceeds 2147483647`)
  if ((stop - start) / step >= maxGenerated)
    throw new RangeError(`the range "${text}" has more than ${maxGenerated} numbers`)
  return { start, stop, step }
}

const toNumber = (digits: string | undefined): number | undefined => (digits === undefined ? undefined : Number(digits))

/** `$` is the number, `$$` and `\\$` a dollar sign, `${OFFSET,WIDTH,BASE}` the number with an offset, padded. */
function expand(text: string, number: number): string {
  return text.replace(/\\\$|\$\$|\$\{([^}]*)\}|\$/g, (found, format: string | undefined) => {
    if (format !== undefined) return formatted(format, number)
    return found === '$' ? String(number) : '$'
  })
}

const bases: Readonly<Record<string, (number: number) => string>> = {
  d: String,
  o: (number) => number.toString(8),
  x: (number) => number.toString(16),
  X: (number) => number.toString(16).toUpperCase(),
}

function formatted(format: string, number: number): string {
  const [, offset, width = '0', base = 'd'] = /^(-?\d{1,10})(?:,(\d{1,3}))?(?:,([doxX]))?$/.exec(format) ?? []
  if (offset === undefined || Number(width) > 255)
    throw new RangeError(`"\${${format}}" is invalid: write \${OFFSET,WIDTH,BASE} with a base of d, o, x or X`)
  const moved = number + Number(offset)
  if (moved < 0) throw new RangeError(`"\${${format}}" makes ${number} negative`)
  return bases[base](moved).padStart(Number(width), '0')
}
