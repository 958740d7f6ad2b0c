/** Finds exchanges in progress: by question, and by the socket and ID of their answers. */
import type { NameKey } from '../../../table/name-key.ts'
import { type Slots, slotAt } from './slots.ts'

/** Results of `find` other than a slot. */
export const NONE = -1
/** The name has an exchange, but the chain must take this question: its case differs, or there are too many exchanges. */
export const CHAIN = -2

export interface InFlight {
  /** The slot whose exchange also answers this question, NONE, or CHAIN. */
  find(key: NameKey, hash: number, question: Question): number
  add(slot: number): void
  remove(slot: number): void
}

export interface Question {
  space: number
  type: number
  flags: number
  /** Its exchange is not shared, because EDNS options concern one client. */
  isAlone: boolean
  bytes: Uint8Array
  at: number
  length: number
}

const buckets = 4096
/** Concurrent exchanges for one name and type, differing in EDNS, DO, RD, AD, CD or options: each helps a forger. */
const mostOfOneName = 8

export function createInFlight(slots: Slots): InFlight {
  const heads = new Int32Array(buckets).fill(NONE)
  const nexts = new Int32Array(slots.size).fill(NONE)
  const bucketOf = (hash: number): number => (hash ^ (hash >>> 16)) & (buckets - 1)

  function isOfName(slot: number, key: NameKey): boolean {
    if (slots.questionLength[slot] !== key.length + 16) return false
    const { bytes } = slots
    const at = slots.at(slot) + slotAt.request + 12
    for (let i = 0; i < key.length; i++) {
      const octet = bytes[at + i]
      if ((octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet) !== key.octets[i]) return false
    }
    return true
  }

  function isSpelledAs(slot: number, { bytes, at, length }: Question): boolean {
    const from = slots.at(slot) + slotAt.request
    for (let i = 12; i < length; i++) if (slots.bytes[from + i] !== bytes[at + i]) return false
    return true
  }

  return {
    find(key, hash, question) {
      let ofName = 0
      for (let slot = heads[bucketOf(hash)]; slot !== NONE; slot = nexts[slot]) {
        if (slots.hash[slot] !== hash || slots.type[slot] !== question.type || !isOfName(slot, key)) continue
        ofName++
        if (question.isAlone || slots.isAlone[slot] === 1) continue
        if (slots.space[slot] !== question.space || slots.flags[slot] !== question.flags) continue
        return isSpelledAs(slot, question) ? slot : CHAIN
      }
      return ofName >= mostOfOneName ? CHAIN : NONE
    },
    add(slot) {
      const bucket = bucketOf(slots.hash[slot])
      nexts[slot] = heads[bucket]
      heads[bucket] = slot
    },
    remove(slot) {
      const bucket = bucketOf(slots.hash[slot])
      if (heads[bucket] === slot) {
        heads[bucket] = nexts[slot]
        return
      }
      for (let at = heads[bucket]; at !== NONE; at = nexts[at]) {
        if (nexts[at] !== slot) continue
        nexts[at] = nexts[slot]
        return
      }
    },
  }
}
