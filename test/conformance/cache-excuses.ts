/**
 * What `cache` makes of CoreDNS's own cluster answers, and ours leaves alone (docs/differences.md): one TTL for all
 * records, which counts down, and the case of who asked first.
 */
import { opcode, rcode, type } from '../../src/dns/codes.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { lowerName, nameToWire } from '../../src/dns/name.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { type Excuse, everyRecord, hasCache, type Pairing, same } from './pairing.ts'

/** An A record whose owner is a pointer: what a record that no longer fits is worth at least. */
const smallestRecord = 16

/** The TTL that CoreDNS's cache gives at least. */
const floor = 5

/** Seconds by which the caches of two servers differ in what they know of another zone. */
const skew = 2

/** What a cache may make of the TTLs: one for all, not above the lowest but for the floor. Another zone's are aged in ours as well. */
function isAged({ theirs, ours }: Pairing): boolean {
  const told = new Set(everyRecord(theirs).map(({ ttl }) => ttl))
  const whole = new Set(everyRecord(ours).map(({ ttl }) => ttl))
  const highest = Math.max(floor, Math.min(...whole) + (whole.size > 1 ? skew : 0))
  return told.size <= 1 && [...told].every((ttl) => ttl <= highest)
}

const inLowerCase = (record: ResourceRecord) => recordText({ ...record, ttl: 0 }).toLowerCase()

export const cachedOtherwise: readonly Excuse[] = [
  {
    reason: "cache keeps no cluster answers, so their TTLs are whole and their case is the question's",
    holds: (pairing) => {
      const { theirs, ours, corefile } = pairing
      return hasCache(corefile) && isAged(pairing) && same(theirs, ours, { anyTtl: true, anyCase: true })
    },
  },
  {
    // Names in the case of who asked first are not the question's octets: they take room of their own.
    reason: 'cache repeats the case of who asked first, which leaves room for fewer records',
    holds: ({ asked, theirs, ours, corefile }) => {
      if (!hasCache(corefile) || !theirs.truncated) return false
      const whole = { answer: [], authority: [], additional: [], truncated: true }
      const [wanted, got] = [everyRecord(theirs), everyRecord(ours)]
      // Where not one record fits none shows whose case it has.
      const isOtherwise =
        asked.name !== lowerName(asked.name) ||
        wanted.length === 0 ||
        wanted.some(({ name }) => name !== lowerName(name))
      const room = 2 * nameToWire(asked.name).length
      const known = new Set(got.map(inLowerCase))
      return (
        isOtherwise &&
        same({ ...theirs, ...whole }, { ...ours, ...whole }) &&
        wanted.length <= got.length &&
        (ours.truncated
          ? (got.length - wanted.length) * smallestRecord <= room + smallestRecord
          : wanted.every((record) => known.has(inLowerCase(record))))
      )
    },
  },
  {
    // What the first of its slices said then: `mixed` has an FQDN slice beside one with addresses (cluster.ts).
    reason: 'cache keeps one of several answers that CoreDNS gives',
    holds: ({ asked, theirs, ours, corefile }) => {
      const isEither = ({ rcode: code, answer }: Message) =>
        code === rcode.NOERROR && (answer.length === 0 || (answer.length === 1 && answer[0]!.type === type.CNAME))
      return (
        hasCache(corefile) &&
        asked.type === type.CNAME &&
        /(^|\.)mixed\.net\.svc\./i.test(asked.name) &&
        isEither(theirs) &&
        isEither(ours)
      )
    },
  },
  {
    reason: 'a NOTIFY is not answered from the cache',
    holds: ({ asked, theirs, ours, corefile }) =>
      hasCache(corefile) &&
      asked.opcode === opcode.NOTIFY &&
      theirs.authoritative &&
      same({ ...theirs, authoritative: false }, ours, { anyTtl: true }),
  },
]
