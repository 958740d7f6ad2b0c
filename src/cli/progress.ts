/** What a command is doing while it takes its time: one line that is written over, for people who look at a terminal. */
import type { Io } from './args.ts'
import { printableLine } from './output.ts'

export interface Progress {
  show(text: string): void
  /** Before anything else is written. */
  clear(): void
}

/** To the beginning of the line, and everything behind it away. */
const overwrite = '\r\u001b[K'

/** Where standard error is no terminal nothing is written. */
export function createProgress({ stderr: { screen } }: Io): Progress {
  if (!screen || process.env.TERM === 'dumb') return { show() {}, clear() {} }
  let isShown = false
  return {
    show(text) {
      // A line that wraps could not be written over.
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
