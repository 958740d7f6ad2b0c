/** Orders for the records of one section. Each keeps records of the other types in the places described. */
import { type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'

/** Uniform in [0, 1). */
export type Random = () => number

interface Sorted {
  readonly cnames: readonly ResourceRecord[]
  readonly addresses: readonly ResourceRecord[]
  readonly mx: readonly ResourceRecord[]
  readonly others: readonly ResourceRecord[]
}

/** CNAMEs first, for resolvers that read from the top; addresses and MX in random order. */
export function shuffled(records: readonly ResourceRecord[], random: Random): readonly ResourceRecord[] {
  if (records.length < 2) return records
  const { cnames, others, addresses, mx } = sort(records)
  return [...cnames, ...others, ...shuffle(addresses, random), ...shuffle(mx, random)]
}

/** Sorts addresses by their rank of `preference`, 0 first; addresses of equal rank keep their order. */
export function preferred(
  records: readonly ResourceRecord[],
  preference: (address: Uint8Array) => number,
): readonly ResourceRecord[] {
  if (records.length < 2) return records
  const { cnames, others, addresses, mx } = sort(records)
  const ranked = addresses
    .map((record) => ({ record, rank: preference(record.rdata) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ record }) => record)
  return [...cnames, ...ranked, ...mx, ...others]
}

/** Swaps one address, drawn by weight, with the first one. */
export function drawnFirst(
  records: readonly ResourceRecord[],
  weight: (record: ResourceRecord) => number,
  random: Random,
): readonly ResourceRecord[] {
  const { cnames, others, addresses, mx } = sort(records)
  if (addresses.length === 0) return records
  const drawn = draw(addresses.map(weight), random)
  const swapped = [...addresses]
  swapped[0] = addresses[drawn]
  swapped[drawn] = addresses[0]
  return [...cnames, ...others, ...swapped, ...mx]
}

function sort(records: readonly ResourceRecord[]): Sorted {
  const cnames: ResourceRecord[] = []
  const addresses: ResourceRecord[] = []
  const mx: ResourceRecord[] = []
  const others: ResourceRecord[] = []
  for (const record of records) {
    if (record.type === type.A || record.type === type.AAAA) addresses.push(record)
    else if (record.type === type.CNAME) cnames.push(record)
    else if (record.type === type.MX) mx.push(record)
    else others.push(record)
  }
  return { cnames, addresses, mx, others }
}

/** Fisher-Yates shuffle: every order is equally likely. */
function shuffle(records: readonly ResourceRecord[], random: Random): ResourceRecord[] {
  const result = [...records]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const record = result[last]
    result[last] = result[other]
    result[other] = record
  }
  return result
}

/** Draws an index with a probability in proportion to its weight (each ≥ 1). */
function draw(weights: readonly number[], random: Random): number {
  let left = Math.floor(random() * weights.reduce((sum, weight) => sum + weight, 0))
  return weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
}
