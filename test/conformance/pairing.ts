/** What an excuse looks at: two replies to one question, and whether they are equal but for what `cache` or a change of case makes of one. */
import { extendedErrorOption } from '../../src/dns/extended-error.ts'
import type { Message, ResourceRecord } from '../../src/dns/message.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { canonicalMessage, isWithoutEdns } from './compare.ts'
import type { Ask } from './queries.ts'

export interface Pairing {
  readonly asked: Ask
  readonly theirs: Message
  readonly ours: Message
  readonly corefile: string
}

/** Undefined where one of the replies cannot be parsed. */
export function pairingOf(asked: Ask, theirs: Uint8Array, ours: Uint8Array, corefile: string): Pairing | undefined {
  try {
    const told = parseMessage(theirs)
    const isExplained = told.edns?.options.some(({ code }) => code === extendedErrorOption)
    const wanted = isExplained && isWithoutEdns(asked) ? { ...told, edns: undefined } : told
    return { asked, theirs: wanted, ours: parseMessage(ours), corefile }
  } catch {
    return undefined
  }
}

export interface Excuse {
  readonly reason: string
  holds(pairing: Pairing): boolean
}

export const hasCache = (corefile: string) => /^ *cache( |$)/m.test(corefile)

const keepalive = 11

interface Leniency {
  /** TTLs are not compared. */
  readonly anyTtl?: boolean
  /** Names are compared without their case. */
  readonly anyCase?: boolean
}

/** As compare.ts does: rcode, flags, question, sections and EDNS. An option that says 0 is equal to an empty one. */
export function same(theirs: Message, ours: Message, { anyTtl = false, anyCase = false }: Leniency = {}): boolean {
  const lines = (message: Message) => {
    const text = canonicalMessage(withShortOptions(anyTtl ? withTtl(message, 0) : message))
    return anyCase ? text.map((line) => line.toLowerCase()).sort() : text
  }
  return lines(theirs).join('\n') === lines(ours).join('\n')
}

export const everyRecord = ({ answer, authority, additional }: Message): ResourceRecord[] => [
  ...answer,
  ...authority,
  ...additional,
]

function withTtl(message: Message, ttl: number): Message {
  const all = (records: readonly ResourceRecord[]) => records.map((record) => ({ ...record, ttl }))
  return {
    ...message,
    answer: all(message.answer),
    authority: all(message.authority),
    additional: all(message.additional),
  }
}

/** CoreDNS writes TCP-KEEPALIVE (RFC 7828) anew, without the two octets of a timeout of 0. */
function withShortOptions(message: Message): Message {
  if (message.edns === undefined) return message
  const options = message.edns.options.map((option) =>
    option.code === keepalive && option.data.every((octet) => octet === 0)
      ? { ...option, data: new Uint8Array(0) }
      : option,
  )
  return { ...message, edns: { ...message.edns, options } }
}
