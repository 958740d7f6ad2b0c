import { readFileSync } from 'node:fs'
import { durationText } from '../../corefile/read.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { evenWeights, parseWeights, type Weights } from './weights.ts'

/** Weights from a file that is read again when it changes. */
export interface WeightFile {
  /** Those read last. */
  weights(): Weights
  watch(): { stop(): void }
}

/**
 * Opens a weight file, which may still be missing: then addresses weigh the same until it is there. Throws when it is
 * there and wrong; once read, a wrong version is told and the last right one stays.
 */
export function openWeightFile(path: string, interval: number, clock: Clock, log: Logger): WeightFile {
  let weights = evenWeights
  let content: string | undefined

  function read(): void {
    const found = readFileSync(path, 'utf8')
    if (found === content) return
    // A wrong version is told once, not at each look.
    content = found
    weights = parseWeights(found, path)
    log.info(`Successfully reloaded weight file ${path}`)
  }

  function unreadable(error: unknown): boolean {
    return error instanceof Error && 'syscall' in error
  }

  try {
    read()
  } catch (error) {
    if (!unreadable(error)) throw error
    log.warning(`Cannot read the weight file ${path}; the next attempt is in ${durationText(interval)}`)
  }
  let told = content === undefined

  function readAgain(): void {
    try {
      read()
      told = false
    } catch (error) {
      if (unreadable(error) && told) return
      told = unreadable(error)
      log.error(`The last weights stay in use: ${errorMessage(error)}`)
    }
  }

  return {
    weights: () => weights,
    watch() {
      if (interval <= 0) return { stop: () => undefined }
      const timer = clock.every(interval, readAgain)
      return { stop: () => timer.cancel() }
    },
  }
}
