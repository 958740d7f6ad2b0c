/** The text of a hosts file (hosts(5)): addresses and their names, wildcards among them. */
import { formatAddress, inPrefix, type Prefix, parseAddress } from '../../dns/address.ts'
import { isSubdomain, labelEnd, lowerName, NameError, parseName } from '../../dns/name.ts'

/** Octets of one field; longer ones are dropped, as in CoreDNS. */
const maxFieldLength = 1024

const mappedIPv4: Prefix = { address: parseAddress('::ffff:0:0')!, bits: 96 }

/** Addresses by name, in the order of the lines; duplicate lines stay duplicated. */
export interface Entries {
  /** IPv4 and IPv6 addresses of a name (lower case, absolute), octets as they go into rdata. */
  readonly names: ReadonlyMap<string, Addresses>
  /** The same for names that begin with `*.`. */
  readonly wildcards: ReadonlyMap<string, Addresses>
  /** Names of an address (its canonical text). */
  readonly pointers: ReadonlyMap<string, readonly string[]>
  /** Addresses and pointers, as `coredns_hosts_entries` counts them. */
  readonly count: number
}

export interface Addresses {
  readonly a: readonly Uint8Array[]
  readonly aaaa: readonly Uint8Array[]
}

export interface ParseOptions {
  /** Names outside of these zones are left out. */
  readonly zones: readonly string[]
  /** Whether addresses get pointers (not with `no_reverse`). */
  readonly reverse: boolean
  /** Names the text in errors: `Hosts file "/etc/hosts"`. */
  readonly source: string
  readonly onError: (text: string) => void
}

export const noEntries: Entries = { names: new Map(), wildcards: new Map(), pointers: new Map(), count: 0 }

interface Draft {
  readonly names: Map<string, DraftAddresses>
  readonly wildcards: Map<string, DraftAddresses>
  readonly pointers: Map<string, string[]>
  count: number
}

interface DraftAddresses {
  readonly a: Uint8Array[]
  readonly aaaa: Uint8Array[]
}

/** Skips invalid lines, as resolvers do. */
export function parseHosts(text: string, options: ParseOptions): Entries {
  const draft: Draft = { names: new Map(), wildcards: new Map(), pointers: new Map(), count: 0 }
  let number = 0
  for (const line of text.split('\n')) {
    number++
    const [address, ...names] = line
      .replace(/#.*/s, '')
      .split(/[ \t\v\f\r]+/)
      .filter((field) => field !== '')
    if (address === undefined) continue
    if (address.length > maxFieldLength) {
      options.onError(
        `${options.source}, line ${number}: address longer than ${maxFieldLength} bytes, dropping the line`,
      )
      continue
    }
    const parsed = parseAddress(address.replace(/%.*$/s, ''))
    if (parsed === undefined) continue
    // `::ffff:192.0.2.1` is an IPv4 address (RFC 4291 §2.5.5.2).
    const octets = parsed.length === 16 && inPrefix(mappedIPv4, parsed) ? parsed.slice(12) : parsed
    for (const name of names) addName(draft, octets, name, number, options)
  }
  return draft
}

function addName(draft: Draft, octets: Uint8Array, field: string, line: number, options: ParseOptions): void {
  if (field.length > maxFieldLength) {
    options.onError(`${options.source}, line ${line}: name longer than ${maxFieldLength} bytes, dropping the name`)
    return
  }
  const name = absoluteName(field)
  if (name === undefined || !options.zones.some((zone) => isSubdomain(zone, name))) return
  const wildcard = name.startsWith('*.')
  const addresses = entry(wildcard ? draft.wildcards : draft.names, name, () => ({ a: [], aaaa: [] }))
  const family = octets.length === 4 ? addresses.a : addresses.aaaa
  family.push(octets)
  draft.count++
  if (wildcard || !options.reverse) return
  entry(draft.pointers, formatAddress(octets), () => []).push(name)
  draft.count++
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

function absoluteName(field: string): string | undefined {
  const lower = field.toLowerCase()
  try {
    // An escape may spell a capital letter.
    return lowerName(parseName(lower.endsWith('.') ? lower : `${lower}.`))
  } catch (error) {
    if (error instanceof NameError) return undefined
    throw error
  }
}

/** The wildcard that covers a name: its first label replaced by `*`. */
export function wildcardOf(name: string): string | undefined {
  const end = labelEnd(name, 0)
  return end < name.length - 1 ? `*${name.slice(end)}` : undefined
}
