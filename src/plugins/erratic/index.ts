import { custom, duration, flag, integer, readBody, value } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { parseAddress } from '../../dns/address.ts'
import { dnsClass, rcode, type } from '../../dns/codes.ts'
import type { ResourceRecord } from '../../dns/message.ts'
import { replyTo } from '../../dns/reply.ts'
import { erased, provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome, Query } from '../../plugin/query.ts'
import { fixedLists, searchLists } from '../autopath/capability.ts'

interface Settings {
  /** One query of so many is dropped; 0: none. */
  readonly drop: number
  readonly truncate: number
  readonly delay: number
  /** Milliseconds. */
  readonly delayFor: number
  readonly large: boolean
}

const amount = integer({ min: 0, max: 2 ** 31 - 1 })

const rows = {
  // Without a number the option has no effect, as in CoreDNS.
  drop: custom<number | undefined>({ min: 0, max: 1 }, ({ args }, before) =>
    args[0] ? value(amount, args[0], 'drop') : before,
  ),
  truncate: custom<number>({ min: 0, max: 1 }, ({ args }) => (args[0] ? value(amount, args[0], 'truncate') : 2)),
  delay: custom<{ of: number; milliseconds: number }>({ min: 0, max: 2 }, ({ args }) => ({
    of: args[0] ? value(amount, args[0], 'delay') : 2,
    milliseconds: args[1] ? value(duration(), args[1], 'delay') : 100,
  })),
  large: flag({ closes: true }),
}

const schema: DirectiveSchema<Settings> = {
  usage: 'erratic { drop [AMOUNT] | truncate [AMOUNT] | delay [AMOUNT [DURATION]] }',
  repeat: 'many',
  read({ occurrences }) {
    const {
      drop,
      truncate = 0,
      delay,
      large,
    } = readBody({ ...occurrences[0], body: occurrences.flatMap(({ body = [] }) => body) }, rows)
    // By default every second query is dropped, unless another fault is set.
    const otherwise = (delay?.of ?? 0) > 0 || truncate > 0 ? 0 : 2
    return { drop: drop ?? otherwise, truncate, delay: delay?.of ?? 0, delayFor: delay?.milliseconds ?? 0, large }
  },
}

/** Misbehaves on purpose, to test clients: drops, delays and truncates. */
export const erratic: Plugin<Settings> = {
  name: 'erratic',
  schema,
  offers: [erased(searchLists)],
  setup(settings, { clock }) {
    let queries = 0
    return {
      handler(query) {
        const number = queries++
        const every = (one: number) => one > 0 && number % one === 0
        if (every(settings.drop)) return { kind: 'drop', plugin: 'erratic' }
        // CoreDNS tests a bit here, not a remainder.
        const truncated = settings.truncate > 0 && (number & settings.truncate) === 0
        const outcome = answer(query, truncated, settings.large)
        if (!every(settings.delay)) return outcome
        return new Promise((resolve) => void clock.after(settings.delayFor, () => resolve(outcome)))
      },
      // Becomes ready and unready again, to test clients of /ready.
      ready: () => queries >= readyFrom && queries < readyUntil,
      provides: [provide(searchLists, fixedLists(searchList))],
    }
  },
}

const addresses = new Map<number, Uint8Array>([
  [type.A, parseAddress('192.0.2.53')!],
  [type.AAAA, parseAddress('2001:db8::53')!],
])
const largeCopies = 30
/** It is ready from `readyFrom` queries on, and no longer from `readyUntil` on. */
const readyFrom = 3
const readyUntil = 5
/** What `autopath @erratic` follows for every client. */
const searchList = ['a.example.org.', 'b.example.org.', '']

function answer({ request, qname, qtype }: Query, truncated: boolean, large: boolean): Outcome {
  const octets = addresses.get(qtype)
  if (octets === undefined) return { kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'erratic' }
  const record: ResourceRecord = { name: qname, type: qtype, class: dnsClass.IN, ttl: 0, rdata: octets }
  const copies = large && qtype === type.A ? largeCopies : 1
  const message = replyTo(request, { authoritative: true, answer: Array.from({ length: copies }, () => record) })
  return { kind: 'reply', plugin: 'erratic', message: { ...message, truncated } }
}
