/** The deliberate differences of docs/differences.md, as rules: everything else that differs is a bug. */
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { recordText } from '../../src/dns/rdata.ts'
import { parseMessage } from '../../src/dns/wire.ts'

interface Excuse {
  readonly reason: string
  holds(theirs: Message, ours: Message, corefile: string): boolean
}

const excuses: readonly Excuse[] = [
  {
    // CoreDNS's cache rewrites and ages the TTLs of cluster answers, and repeats them in the case of who asked first;
    // ours lets them pass, whatever it is told.
    reason: "cache keeps no cluster answers, so their TTLs are whole and their case is the question's",
    holds: (theirs, ours, corefile) =>
      /^ *cache/m.test(corefile) && sections(withoutTtl, theirs) === sections(withoutTtl, ours),
  },
  {
    // CoreDNS compares these two names with the zone byte by byte; a resolver that randomises case (0x20) cannot know.
    reason: 'the apex NS and ns.dns are found in any case',
    holds: (_theirs, ours) => {
      const name = ours.questions[0]?.name ?? ''
      return name !== name.toLowerCase() && /^(ns\.dns\.)?(cluster\.local|corp\.example|other\.example)\.$/i.test(name)
    },
  },
]

function sections(text: (record: ResourceRecord) => string, message: Message): string {
  const parts = [message.answer, message.authority, message.additional].map((records) => records.map(text).sort())
  return JSON.stringify([message.rcode, message.authoritative, message.truncated, parts])
}

function withoutTtl(record: ResourceRecord): string {
  const words = recordText({ ...record, ttl: 0 }).split(/\s+/)
  // A SOA's serial is each server's own clock.
  return (record.type === 6 ? [...words.slice(0, 6), ...words.slice(7)] : words).join(' ').toLowerCase()
}

/** Why this difference is meant, or undefined. */
export function excuse(
  theirs: Uint8Array | undefined,
  ours: Uint8Array | undefined,
  corefile: string,
): string | undefined {
  if (!theirs || !ours) return undefined
  const [wanted, got] = [parseMessage(theirs), parseMessage(ours)]
  return excuses.find((candidate) => candidate.holds(wanted, got, corefile))?.reason
}
