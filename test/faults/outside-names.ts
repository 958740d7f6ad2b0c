/** Outside names: most are asked for once, some again and again, so that the cache has them. Upstreams say what both are. */
import type { Random } from '../conformance/random-source.ts'
import { answering, type Script } from '../support/upstream.ts'
import type { Heard } from './asker.ts'

export interface OutsideNames {
  /** A name to ask for: a new one, or one that may be cached. */
  any(): string
  /** What an upstream that is well says. */
  readonly script: Script
  /** Why an answer is wrong. */
  faultOf(answer: Heard): string | undefined
}

/** What upstreams answer for a name that is asked for once. */
const outsideAddress = '192.0.2.1'
const cached = Array.from({ length: 8 }, (_, i) => `again${i}.example`)
/** Seconds that their answers may be cached for: several rounds of faults. */
const lifetime = 20
/**
 * Seconds that a TTL may be off: those that are cut off, and those in which a message was under way, or waited for a main thread
 * that had no turn, before it came into the cache. The clock jumps by an hour.
 */
const slack = 5

export const isOutside = (name: string): boolean => name.endsWith('.example')

/** `now`: milliseconds, whatever the wall clock of the server says. */
export function createOutsideNames(random: Random, now: () => number): OutsideNames {
  let asked = 0
  let given = 0
  /** By address, each answer has another: whose it is, and when the server got it: between these two times. */
  const answers = new Map<string, { readonly name: string; readonly given: number; known: number }>()

  function issue(name: string): string {
    const address = `198.51.${(given >> 8) & 255}.${given++ & 255}`
    answers.set(address, { name, given: now(), known: Number.POSITIVE_INFINITY })
    return address
  }

  function faultOfCached({ name, addresses, ttl, asked, answered }: Heard): string | undefined {
    const [address = 'nothing'] = addresses
    const from = answers.get(address)
    if (addresses.length !== 1 || from?.name !== name) return `${addresses.join()}, which no upstream said`
    from.known = Math.min(from.known, answered)
    const left = (since: number, at: number) => lifetime - Math.max(0, at - since) / 1_000
    const [most, least] = [left(from.known, asked), left(from.given, answered)]
    if (ttl <= most + slack && ttl >= least - slack) return undefined
    return `TTL ${ttl}, and its answer has ${least.toFixed(1)} to ${most.toFixed(1)} s left`
  }

  return {
    any: () => (random.chance(0.5) ? random.pick(cached) : `n${asked++}.example`),
    script(arrived) {
      const name = arrived.query.questions[0].name.replace(/\.$/, '').toLowerCase()
      if (cached.includes(name)) answering(issue(name), lifetime)(arrived)
      else answering(outsideAddress, 0)(arrived)
    },
    faultOf(answer) {
      const { name, rcode, addresses } = answer
      if (rcode !== 0) return `rcode ${rcode}`
      if (cached.includes(name)) return faultOfCached(answer)
      return addresses.join() === outsideAddress ? undefined : addresses.join()
    },
  }
}
