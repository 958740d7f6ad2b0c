/**
 * Signatures of RRsets, cached by content. A few fast ones are made at once, the others in threads, whose queue is
 * bounded.
 */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type as rrType } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { lowerName } from '../../dns/name.ts'
import type { SigningKey } from '../../dnssec/key.ts'
import { canonicalRRset, type RRset, type SignatureTerms, signRRset, signRRsetAtOnce } from '../../dnssec/rrsig.ts'
import type { Clock } from '../../scheduling/clock.ts'

/** Rdata of the RRSIG records of a set, one for each key. */
export type Signed = readonly Uint8Array[]

export interface SetToSign {
  readonly rrset: RRset
  /** The zone that signs: lower case and absolute. */
  readonly signer: string
}

interface Kept {
  readonly signed: Signed
  /** Seconds since 1970. */
  readonly renewFrom: number
}

export interface Signatures {
  /** In the order of the sets; undefined when the client, or all clients together, wait for too many. */
  of(
    sets: readonly SetToSign[],
    client: string,
    count: Count,
  ): readonly Signed[] | Promise<readonly Signed[]> | undefined
  readonly size: number
}

/** Called for each set: whether its signatures were cached. */
export type Count = (kept: boolean) => void

/** CoreDNS's figure: a set's signature is the same whatever the TTL of its records. */
const originalTtl = 3600

/**
 * Seconds, as in CoreDNS: inception allows for clocks that are hours behind; cached signatures are renewed two days
 * ahead.
 */
const beforeNow = 3 * 3600
const validity = 8 * 86_400
const renewedAhead = 2 * 86_400

/** Bound on cached signatures, of some 500 octets each. */
export const maxCapacity = 100_000

/**
 * Signatures of a reply that are made at once if the keys are fast: 200 µs. More go to threads, which do not block the
 * event loop.
 */
const maxAtOnce = 4

/**
 * Signatures under way in threads: 0.4 s of processor time with RSA of 2,048 bits. A reply of 64 KiB has 600 of each
 * key. A client may have at most as many as are still free, so that others find room beside it.
 */
const maxPending = 1_024

export interface SignaturesOptions {
  readonly keys: readonly SigningKey[]
  readonly capacity: number
  readonly clock: Clock
}

export function createSignatures({ keys, capacity, clock }: SignaturesOptions): Signatures {
  const { ofKeys, ofOthers } = rolesOf(keys)
  const areQuick = keys.every(({ signAtOnce }) => signAtOnce !== undefined)
  // Half is for denials, so that queries for made-up names do not evict the signatures of existing ones.
  const half = Math.max(1, Math.ceil(Math.min(capacity, maxCapacity) / 2))
  const create = () => new LRUCache<string, Kept>({ maxSize: half, sizeCalculation: () => 1 })
  const kept = create()
  const keptDenials = create()
  const pending = new Map<string, Promise<Signed>>()
  const waiting = new Map<string, number>()
  let total = 0

  const signersOf = ([{ type }]: RRset) => (type === rrType.DNSKEY ? ofKeys : ofOthers)
  const storeOf = ([{ type }]: RRset) => (type === rrType.NSEC ? keptDenials : kept)

  function find(rrset: RRset, key: string, now: number): Signed | undefined {
    const found = storeOf(rrset).get(key)
    return found !== undefined && ((found.renewFrom - now) | 0) > 0 ? found.signed : undefined
  }

  const termsOf = (signer: string, now: number): SignatureTerms => ({
    signer,
    originalTtl,
    inception: now - beforeNow,
    expiration: now + validity,
  })

  function keep(rrset: RRset, key: string, signed: Signed, now: number): Signed {
    storeOf(rrset).set(key, { signed, renewFrom: now + validity - renewedAhead })
    return signed
  }

  function makeAtOnce({ rrset, signer }: SetToSign, key: string, now: number): Signed {
    const terms = termsOf(signer, now)
    const canonical = canonicalRRset(rrset, originalTtl)
    const signed = signersOf(rrset).map((each) => signRRsetAtOnce(each, rrset[0], canonical, terms))
    return keep(rrset, key, signed, now)
  }

  function make({ rrset, signer }: SetToSign, key: string, now: number): Promise<Signed> {
    const terms = termsOf(signer, now)
    const canonical = canonicalRRset(rrset, originalTtl)
    const made = Promise.all(signersOf(rrset).map((each) => signRRset(each, rrset[0], canonical, terms)))
      .then((signed) => keep(rrset, key, signed, now))
      .finally(() => pending.delete(key))
    pending.set(key, made)
    return made
  }

  function admit(client: string, wanted: number): boolean {
    const own = waiting.get(client) ?? 0
    // With several keys one large reply may exceed the bound: it is signed when no other is under way.
    if (total > 0 && own + wanted > maxPending - total) return false
    waiting.set(client, own + wanted)
    total += wanted
    return true
  }

  function release(client: string, count: number): void {
    total -= count
    const left = (waiting.get(client) ?? 0) - count
    if (left > 0) waiting.set(client, left)
    else waiting.delete(client)
  }

  return {
    of(sets, client, count) {
      const now = Math.floor(clock.wall() / 1000)
      const contents = sets.map(keyOf)
      const found = sets.map(({ rrset }, at) => find(rrset, contents[at], now))
      let missing = 0
      for (const [at, signed] of found.entries()) {
        count(signed !== undefined)
        if (signed === undefined) missing += signersOf(sets[at].rrset).length
      }
      if (missing === 0) return found.map((signed) => signed ?? [])
      if (areQuick && missing <= maxAtOnce)
        return sets.map((set, at) => found[at] ?? makeAtOnce(set, contents[at], now))
      if (!admit(client, missing)) return undefined
      const all = sets.map((set, at) => found[at] ?? pending.get(contents[at]) ?? make(set, contents[at], now))
      return Promise.all(all).finally(() => release(client, missing))
    },
    get size() {
      return kept.size + keptDenials.size
    },
  }
}

/** With keys of both roles, KSKs sign the DNSKEY set and ZSKs all others; else every key signs everything. */
function rolesOf(keys: readonly SigningKey[]) {
  const [ksks, zsks] = (['ksk', 'zsk'] as const).map((role) => keys.filter((key) => key.role === role))
  const isSplit = ksks.length > 0 && zsks.length > 0
  return isSplit ? { ofKeys: ksks, ofOthers: zsks } : { ofKeys: keys, ofOthers: keys }
}

/** A longer cache key is hashed. */
const maxKeyLength = 256

/**
 * Equal for equal records whatever their order and TTL, and cheaper than the canonical form, which only signing needs.
 */
function keyOf({ rrset, signer }: SetToSign): string {
  const [{ name, type, class: rrClass }] = rrset
  const head = `${signer} ${lowerName(name)} ${type} ${rrClass} `
  const key = head + (rrset.length === 1 ? contentOf(rrset[0]) : rrset.map(contentOf).sort().join(''))
  return key.length > maxKeyLength ? hash('sha256', key, 'binary') : key
}

/** One character per octet, preceded by the length. */
const contentOf = ({ rdata }: ResourceRecord): string =>
  String.fromCharCode(rdata.length) + Buffer.from(rdata.buffer, rdata.byteOffset, rdata.length).toString('latin1')
