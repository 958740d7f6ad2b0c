import { formatAddress, parseAddress } from '../../dns/address.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'

/** The weight of an address that the file does not list. */
const defaultWeight = 1
/** CoreDNS keeps a weight in 8 bits. */
const maxWeight = 255

export interface Weights {
  /** The weight of an A or AAAA record, by its owner and address. */
  of(record: ResourceRecord): number
}

/** Before a file was read: all addresses have the same weight. */
export const evenWeights: Weights = { of: () => defaultWeight }

/**
 * Parses a weight file: a line with a domain name and lines `ADDRESS WEIGHT` for it, for each name. Empty lines and
 * lines that begin with `#` are ignored. Throws an Error that names the line.
 */
export function parseWeights(content: string, file: string): Weights {
  const domains = new Map<string, Map<string, number>>()
  let current: Map<string, number> | undefined
  content.split('\n').forEach((line, index) => {
    const words = line.trim().split(/\s+/)
    const refuse = (message: string): Error => new Error(`${file}:${index + 1} - ${message}`)
    if (words[0] === '' || words[0].startsWith('#')) return
    if (words.length > 2) throw refuse(`'${line.trim()}' is neither NAME nor ADDRESS WEIGHT`)
    const [first, weight] = words
    if (weight === undefined) {
      if (parseAddress(first)) throw refuse(`the weight of ${first} is missing`)
      current = new Map()
      domains.set(absolute(first), current)
      return
    }
    const address = parseAddress(first)
    if (!current) throw refuse(`${first} must follow a domain name`)
    if (!address) throw refuse(`'${first}' is not an IP address`)
    if (!/^\d{1,3}$/.test(weight) || Number(weight) < 1 || Number(weight) > maxWeight)
      throw refuse(`the weight '${weight}' must be a number from 1 to ${maxWeight}`)
    current.set(formatAddress(address), Number(weight))
  })
  return {
    of: ({ name, rdata }) => domains.get(lowerName(name))?.get(formatAddress(rdata)) ?? defaultWeight,
  }
}

function absolute(name: string): string {
  return lowerName(name.endsWith('.') ? name : `${name}.`)
}
