/**
 * From shares of the traffic to the weights of SRV records, which have 16 bits (RFC 2782). Where one set of records
 * cannot hold a share spread over a crowd of targets, several do, each with another part of the crowd.
 */

/** One backend: its share in proportion to the others' (≥ 1), and its number of targets (≥ 1). */
export interface Portion {
  readonly share: number
  readonly targets: number
}

/** One set of records, selected in proportion to `weight`. */
export interface WeightAllocation {
  readonly weight: number
  /** By portion: targets [from, to), of which the first `heavier` have `weight` + 1 and the others `weight`. */
  readonly runs: readonly Run[]
}

export interface Run {
  readonly from: number
  readonly to: number
  readonly weight: number
  readonly heavier: number
}

const maxWeight = 65_535
/** Of a backend's total: twice this is within the 1 % that is promised. */
const tolerance = 0.004
/** Sets of records at most. A backend with more targets than they hold is represented by a sample of them. */
const maxLayouts = 256
/** Scales that are tried: the weights of the smallest are whole numbers in each. */
const maxScales = 256

/** At least one portion. Every target of a portion is as likely as the others, up to one in the weight of a set. */
export function allocateWeights(portions: readonly Portion[]): WeightAllocation[] {
  const whole = weigh(portions)
  if (whole && whole.error <= tolerance) return [{ weight: 1, runs: runsOf(portions, whole) }]
  for (let parts = leastParts(portions); ; parts *= 2) {
    const layouts = inParts(portions, Math.min(parts, maxLayouts))
    const isLast = parts >= maxLayouts || portions.every(({ targets }) => targets <= parts)
    const error = layouts ? Math.max(...layouts.map((layout) => layout.error)) : Number.POSITIVE_INFINITY
    if (isLast && whole && whole.error <= error) return [{ weight: 1, runs: runsOf(portions, whole) }]
    if (layouts && (isLast || error <= tolerance)) return layouts
    if (isLast) throw new RangeError('the shares of a split are too far apart for the weights of SRV records')
  }
}

const perTarget = ({ share, targets }: Portion): number => share / targets

const greatestPerTarget = (portions: readonly Portion[]): number => Math.max(...portions.map(perTarget))

/** Targets of a portion that can have a weight of 1 beside the heaviest, which have all that there is. */
const capacity = ({ share }: Portion, heaviest: number): number =>
  Math.max(1, Math.floor((share * maxWeight) / heaviest))

function leastParts(portions: readonly Portion[]): number {
  const heaviest = greatestPerTarget(portions)
  return Math.max(2, ...portions.map((portion) => Math.ceil(portion.targets / capacity(portion, heaviest))))
}

/** Undefined when a set of so small parts still cannot be weighed. */
function inParts(
  portions: readonly Portion[],
  parts: number,
): (WeightAllocation & { readonly error: number })[] | undefined {
  const heaviest = greatestPerTarget(portions)
  const divisions = portions.map((portion) => divisionOf(portion, parts, heaviest))
  const lightest = divisions.reduce(
    (least, own, i) => (own > 1 && (least < 0 || perTarget(portions[i]) < perTarget(portions[least])) ? i : least),
    -1,
  )
  const layouts: (WeightAllocation & { readonly error: number })[] = []
  for (let part = 0; part < parts; part++) {
    const ranges = portions.map((portion, i) => partOf(portion, part % divisions[i], divisions[i], heaviest))
    const here = portions.map(({ share }, i) => ({ share, targets: ranges[i].to - ranges[i].from }))
    const weights = weigh(here)
    if (!weights) return undefined
    const runs = runsOf(here, weights).map((run, i) => ({ ...run, from: ranges[i].from, to: ranges[i].to }))
    // A part with one target more is selected that much more often, so that all targets are equally likely.
    layouts.push({ weight: lightest < 0 ? 1 : here[lightest].targets, runs, error: weights.error })
  }
  return layouts
}

/**
 * The number of parts of a portion. A part of a crowd is as heavy as the whole was, which helps only where no
 * target gets heavier than the heaviest.
 */
function divisionOf(portion: Portion, parts: number, heaviest: number): number {
  const { targets } = portion
  const own = targets >= parts ? parts : Math.ceil(targets / capacity(portion, heaviest))
  return portion.share / Math.floor(targets / own) <= heaviest ? own : 1
}

function partOf(portion: Portion, part: number, parts: number, heaviest: number): { from: number; to: number } {
  const { targets } = portion
  if (parts === 1) return { from: 0, to: targets }
  const from = Math.floor((part * targets) / parts)
  const to = Math.floor(((part + 1) * targets) / parts)
  return { from, to: Math.min(to, from + capacity(portion, heaviest)) }
}

/** By portion: the sum of its weights. `error`: the greatest relative distance of one from what it should be. */
interface Weights {
  readonly totals: readonly number[]
  readonly error: number
}

/** Undefined when the lightest targets would have to weigh less than 1. */
function weigh(portions: readonly Portion[]): Weights | undefined {
  return weighExactly(portions) ?? weighRoundly(portions)
}

/** The shares themselves, times whatever makes them divisible: exact, if it fits. */
function weighExactly(portions: readonly Portion[]): Weights | undefined {
  let factor = 1
  for (const { share, targets } of portions) {
    const needed = targets / gcd(share, targets)
    factor *= needed / gcd(factor, needed)
    if (factor > maxWeight * maxWeight) return undefined
  }
  let weights = portions.map(({ share, targets }) => (share * factor) / targets)
  if (Math.max(...weights) > maxWeight) {
    const common = weights.reduce(gcd)
    weights = weights.map((weight) => weight / common)
  }
  if (!weights.every((weight) => Number.isSafeInteger(weight) && weight <= maxWeight)) return undefined
  return { totals: weights.map((weight, i) => weight * portions[i].targets), error: 0 }
}

function gcd(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}

/** Weights that are not divisible: of many scales the one in which targets of a backend weigh most nearly the same. */
function weighRoundly(portions: readonly Portion[]): Weights | undefined {
  const least = Math.min(...portions.map(perTarget))
  const most = Math.floor((maxWeight * least) / greatestPerTarget(portions))
  let best: { totals: number[]; error: number; uneven: number } | undefined
  for (let scale = most; scale >= Math.max(1, most - maxScales); scale--) {
    const candidate = atScale(portions, scale / least)
    if (!best || isBetter(candidate, best)) best = candidate
    if (best.error <= tolerance && best.uneven === 0) break
  }
  return best
}

function isBetter(candidate: { error: number; uneven: number }, best: { error: number; uneven: number }): boolean {
  if (candidate.error <= tolerance && best.error <= tolerance) return candidate.uneven < best.uneven
  return candidate.error < best.error
}

/** `uneven`: by how much targets of one backend differ, at worst. */
function atScale(portions: readonly Portion[], scale: number): { totals: number[]; error: number; uneven: number } {
  let error = 0
  let uneven = 0
  const totals = portions.map(({ share, targets }) => {
    const wanted = share * scale
    const even = Math.max(1, Math.round(wanted / targets)) * targets
    const isEven = Math.abs(even - wanted) <= tolerance * wanted
    const total = isEven ? even : Math.max(targets, Math.round(wanted))
    if (!isEven && total % targets !== 0) uneven = Math.max(uneven, 1 / Math.floor(total / targets))
    error = Math.max(error, Math.abs(total - wanted) / wanted)
    return total
  })
  return { totals, error, uneven }
}

function runsOf(portions: readonly Portion[], { totals }: Weights): Run[] {
  return portions.map(({ targets }, i) => ({
    from: 0,
    to: targets,
    weight: Math.floor(totals[i] / targets),
    heavier: totals[i] % targets,
  }))
}
