import { argCount, duration, fail, integer, type Kind, option, readBody } from '../../corefile/read.ts'
import type { Directive, DirectiveSchema } from '../../corefile/schema.ts'
import { type ConnectionTimeouts, connectionTimeouts, mergedTimeouts } from '../../plugin/capabilities/listening.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'

const second = 1_000
const day = 24 * 60 * 60 * second

/** From a second to a day; CoreDNS takes an integer without a unit as seconds. */
const timeout: Kind<number> = {
  expected: 'a duration from 1s to 24h, or a number of seconds',
  parse(word) {
    const milliseconds = duration().parse(/^[+-]?\d+$/.test(word) ? `${word}s` : word)
    return milliseconds !== undefined && milliseconds >= second && milliseconds <= day ? milliseconds : undefined
  },
}

/** Queries per connection; -1 (no limit) is read as 0. */
const maxQueries: Kind<number> = {
  expected: '-1 (no limit) or an integer of at least 1',
  parse(word) {
    const queries = integer().parse(word) ?? 0
    if (queries === -1) return 0
    return queries > 0 ? queries : undefined
  },
}

const schema: DirectiveSchema<ConnectionTimeouts> = {
  usage: 'timeouts { read|write|idle DURATION; maxtcpqueries MAXIMUM }',
  repeat: 'many',
  read: ({ occurrences }) => mergedTimeouts(occurrences.map(readTimeouts)),
}

function readTimeouts(directive: Directive): ConnectionTimeouts {
  argCount(directive, 0, 0)
  const { maxtcpqueries: queries, ...others } = readBody(directive, {
    read: option(timeout),
    write: option(timeout),
    idle: option(timeout),
    maxtcpqueries: option(maxQueries),
  })
  if (!directive.body?.length)
    throw fail('timeouts needs at least one of read, write, idle and maxtcpqueries', directive)
  return { ...others, queries }
}

/** Sets timeouts of TCP connections to the block's listeners, and the number of queries on each. */
export const timeouts: Plugin<ConnectionTimeouts> = {
  name: 'timeouts',
  schema,
  setup: (settings) => ({ provides: [provide(connectionTimeouts, settings)] }),
}
