/** Shows the progress of a slow command on a terminal, as one line that is overwritten. */
import type { Io } from './args.ts'
import { printableLine } from './output.ts'

export interface Progress {
  show(text: string): void
  /** To be called before anything else is written. */
  clear(): void
}

/** Returns to the beginning of the line and clears it. */
const overwrite = '\r\u001b[K'

/** Writes nothing if standard error is not a terminal. */
export function createProgress({ stderr: { screen } }: Io): Progress {
  if (!screen || process.env.TERM === 'dumb') return { show() {}, clear() {} }
  let isShown = false
  return {
    show(text) {
      // A line that wraps cannot be overwritten.
      const line = [...printableLine(text)].slice(0, Math.max(1, screen.size().columns - 1)).join('')
      screen.write(`${overwrite}${line}`)
      isShown = true
    },
    clear() {
      if (isShown) screen.write(overwrite)
      isShown = false
    },
  }
}
