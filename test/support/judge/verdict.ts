/** Whether a row of answers is a history of what was true: each state in its order, none that never was, none that came back. */
import type { Answer } from './asker.ts'
import type { Ready, State } from './history.ts'

/** What a question must be answered with in a state. */
export type Truth = (ready: readonly Ready[]) => readonly string[]

export const addresses: Truth = (ready) => ready.map(({ address }) => address).sort()

/** The addresses of a pod, by its name below a headless Service. */
export const addressesOf =
  (hostname: string): Truth =>
  (ready) =>
    addresses(ready.filter((each) => each.hostname === hostname))

/** Targets of SRV records. `name` is the Service's, without a dot at the end. */
export const targetsBelow =
  (name: string): Truth =>
  (ready) =>
    ready.map(({ address, hostname }) => `${hostname ?? address.replaceAll('.', '-')}.${name}`).sort()

/**
 * The first answer that is wrong, in words; undefined where each is what the Service had at some moment, and none is older than
 * the one before it. A state in which nothing was ready allows any answer without a record.
 */
export function firstWrong(answers: readonly Answer[], states: readonly State[], truth: Truth): string | undefined {
  const truths = ['', ...states.map(({ ready }) => truth(ready).join())]
  let reached = 0
  for (const { rcode, answer, count } of answers) {
    const found = truths.indexOf(answer.join(), reached)
    const code = rcode === 0 ? '' : `rcode ${rcode}, `
    const text = `${code}[${answer.join(' ')}] (${count} times)`
    if (found < 0) {
      const known = truths.slice(reached).map((each) => `[${each.replaceAll(',', ' ')}]`)
      return truths.includes(answer.join())
        ? `${text} is older than an answer before it; since then: ${known.join(', ')}`
        : `${text} was never true; true since the last answer: ${known.join(', ')}`
    }
    if (rcode !== 0 && answer.length > 0) return `${text} has records`
    reached = found
  }
  return undefined
}
