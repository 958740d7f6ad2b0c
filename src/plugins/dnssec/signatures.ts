/** Signatures of RRsets: kept by content, made in threads of Node's pool, bounded in how many are made at a time. */
import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type as rrType } from '../../dns/codes.ts'
import { nameToWire } from '../../dns/name.ts'
import { join } from '../../dns/values.ts'
import type { SigningKey } from '../../dnssec/key.ts'
import { canonicalRRset, expirationOf, type RRset, signRRset } from '../../dnssec/rrsig.ts'
import type { Clock } from '../../scheduling/clock.ts'

/** Rdata of the RRSIG records of a set, one for each key. */
export type Signed = readonly Uint8Array[]

export interface SetToSign {
  readonly rrset: RRset
  /** The zone that signs: lower case and absolute. */
  readonly signer: string
}

export interface Signatures {
  /** In the order of the sets; undefined: the client, or all together, wait for too many. */
  of(
    sets: readonly SetToSign[],
    client: string,
    count: Count,
  ): readonly Signed[] | Promise<readonly Signed[]> | undefined
  readonly size: number
}

/** Hears of each set whose signatures were kept, or not. */
export type Count = (kept: boolean) => void

/** CoreDNS's figure: the TTL of a set may be anything, its signature is the same. */
const originalTtl = 3600

/** Seconds. CoreDNS's: clocks may be wrong by the hours of a time zone; what is kept is renewed two days ahead. */
const beforeNow = 3 * 3600
const validity = 8 * 86_400
const renewedAhead = 2 * 86_400

/** Signatures that are kept, at most: some 500 octets each. */
export const maxCapacity = 100_000

/**
 * Signatures under way: 80 ms of a processor with P-256. A reply of 64 KiB has 600. One client may have as many as are
 * left, so that others find room beside it.
 */
const maxPending = 2_048

export interface SignaturesOptions {
  readonly keys: readonly SigningKey[]
  readonly capacity: number
  readonly clock: Clock
}

export function createSignatures({ keys, capacity, clock }: SignaturesOptions): Signatures {
  const { ofKeys, ofOthers } = rolesOf(keys)
  // Half for names that are denied: whoever makes names up must not drive out those that are there.
  const half = Math.max(1, Math.ceil(Math.min(capacity, maxCapacity) / 2))
  const create = () => new LRUCache<string, Signed>({ maxSize: half, sizeCalculation: () => 1 })
  const kept = create()
  const keptDenials = create()
  const pending = new Map<string, Promise<Signed>>()
  const waiting = new Map<string, number>()
  let total = 0

  const signersOf = ([{ type }]: RRset) => (type === rrType.DNSKEY ? ofKeys : ofOthers)
  const storeOf = ([{ type }]: RRset) => (type === rrType.NSEC ? keptDenials : kept)

  function find(rrset: RRset, key: string, now: number): Signed | undefined {
    const found = storeOf(rrset).get(key)
    return found?.every((rdata) => ((expirationOf(rdata) - now) | 0) > renewedAhead) ? found : undefined
  }

  function make({ rrset, signer }: SetToSign, canonical: Uint8Array, key: string, now: number): Promise<Signed> {
    const terms = { signer, originalTtl, inception: now - beforeNow, expiration: now + validity }
    const made = Promise.all(signersOf(rrset).map((each) => signRRset(each, rrset[0], canonical, terms)))
      .then((signed) => {
        storeOf(rrset).set(key, signed)
        return signed
      })
      .finally(() => pending.delete(key))
    pending.set(key, made)
    return made
  }

  function admit(client: string, wanted: number): boolean {
    const own = waiting.get(client) ?? 0
    if (own + wanted > maxPending - total) return false
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
      const looked = sets.map((set) => {
        const canonical = canonicalRRset(set.rrset, originalTtl)
        const key = hash('sha256', join(nameToWire(set.signer), canonical), 'binary')
        return { set, canonical, key, found: find(set.rrset, key, now) }
      })
      for (const { found } of looked) count(found !== undefined)
      const missing = looked.reduce((sum, { set, found }) => sum + (found ? 0 : signersOf(set.rrset).length), 0)
      if (missing === 0) return looked.map(({ found = [] }) => found)
      if (!admit(client, missing)) return undefined
      const all = looked.map(
        ({ set, canonical, key, found }) => found ?? pending.get(key) ?? make(set, canonical, key, now),
      )
      return Promise.all(all).finally(() => release(client, missing))
    },
    get size() {
      return kept.size + keptDenials.size
    },
  }
}

/** With keys of both roles, DNSKEY sets are signed by the one, others by the other; else every key signs everything. */
function rolesOf(keys: readonly SigningKey[]) {
  const [ksks, zsks] = (['ksk', 'zsk'] as const).map((role) => keys.filter((key) => key.role === role))
  const isSplit = ksks.length > 0 && zsks.length > 0
  return isSplit ? { ofKeys: ksks, ofOthers: zsks } : { ofKeys: keys, ofOthers: keys }
}
