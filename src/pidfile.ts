import { rmSync, writeFileSync } from 'node:fs'
import { errorMessage } from './telemetry/error-text.ts'
import type { Logger } from './telemetry/log.ts'

/** Writes this process's ID to the file, and removes the file when the process exits. */
export function writePidfile(path: string, log: Logger): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    log.error(`Could not write the pidfile ${path}: ${errorMessage(error)}`)
    return
  }
  process.once('exit', () => rmSync(path, { force: true }))
}
