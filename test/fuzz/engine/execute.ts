/** One input through a target's check. */
import { beginCounting, endCounting, StepsExceeded } from './counters.ts'
import type { Target } from './target.ts'

/** The error of a check that fails, or undefined. */
export async function execute(target: Target, input: Uint8Array): Promise<Error | undefined> {
  beginCounting(target.maxSteps(input.length))
  let failure: unknown
  try {
    const checked = target.check(input)
    if (checked !== undefined) await checked
  } catch (error) {
    failure = error ?? new Error('nothing was thrown')
  }
  // The sources or the check may have taken the error for one of theirs.
  if (endCounting()) return new StepsExceeded('the steps that its length allows are used up')
  return failure === undefined || failure instanceof Error ? failure : new Error(`no Error was thrown: ${failure}`)
}

/** What makes two failures the same: the kind of error and where it comes from, without the input's own texts. */
export function signatureOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  // Steps run out anywhere.
  if (error instanceof StepsExceeded) return 'StepsExceeded'
  const places = frames.flatMap((line) => /(?:src|test\/fuzz\/targets)\/[\w./-]+:\d+/.exec(line)?.[0] ?? [])
  return `${error.name} at ${places.slice(0, 2).join(' < ') || error.message.slice(0, 60)}`
}
