import type { Writable } from 'node:stream'

/** Octets that may wait for a slow reader of standard output (a log collector) before lines are discarded. */
const backlogLimit = 1 << 20

/** The destination of log lines. Never waits for the reader or throws: DNS must not depend on the log. */
export interface LineWriter {
  /** Takes complete lines. They are passed to the stream together, at the end of the event loop's turn. */
  write(lines: string): void
  /** Passes everything to the stream at once: call it before `process.exit`, which then loses nothing on pipes and files. */
  flush(): void
}

/**
 * Writes lines to a stream, usually `process.stdout` (Node.js's pipes never block on Linux: it buffers what does not fit).
 * `lostLines` words the line that reports how many were discarded.
 */
export function createLineWriter(stream: Writable, lostLines: (count: number) => string): LineWriter {
  let pending = ''
  let scheduled = false
  let lost = 0
  let broken = false

  // EPIPE and the like: the reader is gone, so there is nowhere to report it.
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
