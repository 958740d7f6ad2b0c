import type { Writable } from 'node:stream'

/** Octets that may wait for a reader of standard output (a slow log collector) before lines are given up. */
const backlogLimit = 1 << 20

/** Where log lines go. Nothing here waits for the reader or throws: DNS goes on whatever becomes of the log. */
export interface LineWriter {
  /** Takes whole lines. They are handed to the stream together, at the end of the event loop's turn. */
  write(lines: string): void
  /** Hands everything to the stream at once: call it before `process.exit`, which on pipes and files loses nothing then. */
  flush(): void
}

/**
 * Lines to a stream, usually `process.stdout` (on Linux its pipes never block: Node buffers what does
 * not fit). `lostLines` is the line that says how many were given up.
 */
export function createLineWriter(stream: Writable, lostLines: (count: number) => string): LineWriter {
  let pending = ''
  let scheduled = false
  let lost = 0
  let broken = false

  // EPIPE and the like: the reader is gone, so there is no place left to report it.
  stream.on('error', () => {
    broken = true
    pending = ''
  })

  function flush(): void {
    scheduled = false
    if (pending === '' || broken) return
    const lines = pending
    pending = ''
    stream.write(lines)
  }

  return {
    write(lines) {
      if (broken) return
      if (stream.writableLength + pending.length > backlogLimit) {
        lost++
        return
      }
      if (lost > 0) {
        pending += lostLines(lost)
        lost = 0
      }
      pending += lines
      if (scheduled) return
      scheduled = true
      setImmediate(flush)
    },
    flush,
  }
}
