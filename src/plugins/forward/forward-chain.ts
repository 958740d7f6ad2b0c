import { rcode } from '../../dns/codes.ts'
import type { Next, Outcome, Query } from '../../plugin/query.ts'
import type { Forward } from './forward.ts'
import type { ForwardSettings } from './settings.ts'

/**
 * The `forward`s of a block in file order: the first that matches answers; those with `next` or `next_on_nodata` may
 * leave the answer to later ones, which are asked as if the earlier ones did not exist.
 */
export function forwardChain(forwards: readonly Forward[]): (query: Query, next: Next) => Outcome | Promise<Outcome> {
  function handle(from: number, query: Query, next: Next): Outcome | Promise<Outcome> {
    for (let index = from; index < forwards.length; index++) {
      const forward = forwards[index]
      if (!forward.matches(query.name)) continue
      const { settings } = forward
      const last = index + 1 === forwards.length
      if (last || (settings.next.size === 0 && !settings.nextOnNodata)) return forward.answer(query)
      return passOn(forward, index + 1, query, next)
    }
    return next(query)
  }

  async function passOn(forward: Forward, following: number, query: Query, next: Next): Promise<Outcome> {
    const result = await forward.answer(query)
    return wantsAnother(forward.settings, result) ? handle(following, query, next) : result
  }

  return (query, next) => handle(0, query, next)
}

function wantsAnother(settings: ForwardSettings, result: Outcome): boolean {
  if (result.kind !== 'reply') return false
  const { message } = result
  if (settings.next.has(message.rcode)) return true
  return settings.nextOnNodata && message.rcode === rcode.NOERROR && message.answer.length === 0
}
