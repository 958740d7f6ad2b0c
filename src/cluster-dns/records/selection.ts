/** The chain's selection for each query, equivalent to the data plane's: one of several answers, the order of SRV records. */
import type { ServicesSpec } from '../../table/spec.ts'
import type { Answer } from './answers.ts'

/** Uniform in [0, 1). */
export type Random = () => number

export type Selected = Exclude<Answer, { readonly kind: 'variants' | 'choice' | 'services-choice' }>

export function selectVariant(answer: Answer, random: Random): Selected {
  if (answer.kind === 'variants') return selectVariant(pickVariant(answer.variants, random).answer, random)
  if (answer.kind === 'choice') return pickVariant(answer.variants, random).answer
  if (answer.kind === 'services-choice') return selectVariant(pickVariant(answer.sets, random).services(), random)
  return answer.kind === 'services' && answer.order === 'weighted' ? inWeightedOrder(answer, random) : answer
}

function pickVariant<V extends { readonly weight: number }>(variants: readonly V[], random: Random): V {
  let left = random() * variants.reduce((sum, { weight }) => sum + weight, 0)
  for (const variant of variants) {
    left -= variant.weight
    if (left < 0) return variant
  }
  return variants[variants.length - 1]
}

/**
 * RFC 2782, Weight: by priority, then each with the probability of its weight among those left. Independent Poisson processes
 * with these rates produce their first events in the same order, so each record needs one random number.
 */
function inWeightedOrder(spec: ServicesSpec, random: Random): ServicesSpec {
  const timed = spec.records.map((record) => {
    const tie = random()
    return { record, tie, time: record.weight > 0 ? -Math.log(1 - tie) / record.weight : Number.POSITIVE_INFINITY }
  })
  timed.sort((a, b) => a.record.priority - b.record.priority || compare(a.time, b.time) || a.tie - b.tie)
  return { ...spec, records: timed.map(({ record }) => record) }
}

/** Times may be infinite: those of weight 0. */
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0)
