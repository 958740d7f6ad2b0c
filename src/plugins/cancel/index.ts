import { argCount, duration, value, where } from '../../corefile/read.ts'
import type { DirectiveSchema } from '../../corefile/schema.ts'
import { rcode } from '../../dns/codes.ts'
import { passesEverything, relayPassage } from '../../plugin/capabilities/relay.ts'
import { provide } from '../../plugin/capability.ts'
import type { Plugin } from '../../plugin/contract.ts'
import type { Outcome } from '../../plugin/query.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { questionTimeout } from '../../upstream/exchange.ts'

/** Milliseconds: just over the 5 s after which most clients give up. */
const defaultTimeout = 5_001

const positiveDuration = where(duration(), 'a duration above zero (500ms, 5s)', (milliseconds) => milliseconds > 0)

const schema: DirectiveSchema<number> = {
  usage: 'cancel [TIMEOUT]',
  repeat: 'many',
  read({ occurrences }) {
    // The last occurrence counts; CoreDNS reads the lines of a block as further occurrences.
    const uses = occurrences.flatMap((directive) => {
      const lines = (directive.body ?? []).map(({ word, args }) => ({ ...directive, at: word.at, args }))
      return [directive, ...lines]
    })
    return uses.reduce((_, use) => {
      argCount(use, 0, 1)
      const [word] = use.args
      return word ? value(positiveDuration, word, 'cancel') : defaultTimeout
    }, defaultTimeout)
  },
}

/** Answers SERVFAIL when later plugins do not answer in time. */
export const cancel: Plugin<number> = {
  name: 'cancel',
  schema,
  setup: (timeout, { clock }) => ({
    handler(query, next) {
      const outcome = next(query)
      return outcome instanceof Promise ? within(timeout, outcome, clock) : outcome
    },
    // Relayed queries end before that.
    provides: timeout > questionTimeout ? [provide(relayPassage, passesEverything)] : [],
  }),
}

/** The outcome, or SERVFAIL after `timeout` milliseconds; a later outcome is ignored. */
function within(timeout: number, outcome: Promise<Outcome>, clock: Clock): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeout, () => {
      const error = new Error(`no answer within ${timeout} ms`)
      resolve({ kind: 'rcode', rcode: rcode.SERVFAIL, plugin: 'cancel', error })
    })
    outcome.finally(() => timer.cancel()).then(resolve, reject)
  })
}
