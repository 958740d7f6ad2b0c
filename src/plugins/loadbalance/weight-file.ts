import { durationText } from '../../corefile/read.ts'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { Clock } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'
import { evenWeights, parseWeights, type Weights } from './weights.ts'

/** Weights of a file that is read again when it changes. */
export interface WeightFile {
  /** The weights that were read last. */
  weights(): Weights
  watch(): { stop(): void }
}

/**
 * Opens a weight file. While it is missing, all addresses have the same weight. Throws if it exists and is invalid; a
 * later invalid version is logged and the last valid one stays in use.
 */
export function openWeightFile(path: string, interval: number, clock: Clock, log: Logger): WeightFile {
  let weights = evenWeights
  let content: string | undefined

  function read(): void {
    const found = readRegularFile(path).toString('utf8')
    if (found === content) return
    // An invalid version is logged once, not at each check.
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
    log.warning(`Failed to open weight file:${path}. Will try again in ${durationText(interval)}`)
  }
  let unreadableLogged = content === undefined

  function readAgain(): void {
    try {
      read()
      unreadableLogged = false
    } catch (error) {
      if (unreadable(error) && unreadableLogged) return
      unreadableLogged = unreadable(error)
      log.error(`Reloading the weight file failed, keeping the previous weights: ${errorMessage(error)}`)
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
