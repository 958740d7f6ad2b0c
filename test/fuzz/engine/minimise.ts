/** A failing input made shorter, as long as it fails in the same way. */
import { execute, signatureOf } from './execute.ts'
import type { Target } from './target.ts'

/** Tries of one input. */
const maxTries = 4000

/** Takes pieces out, the largest first, until nothing more can be left out. */
export async function minimise(target: Target, input: Uint8Array, signature: string): Promise<Uint8Array> {
  let best = input
  let tries = 0
  for (let size = best.length >> 1; size > 0 && tries < maxTries; size >>= 1)
    for (let at = 0; at + size <= best.length && tries < maxTries; ) {
      const shorter = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)])
      tries++
      const error = await execute(target, shorter)
      if (error !== undefined && signatureOf(error) === signature) best = shorter
      else at += size
    }
  return best
}
