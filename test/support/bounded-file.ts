/**
 * Loaded before the tests of each file, which run in a process of their own: one that does not end would keep `node --test`,
 * and CI with it, waiting for ever. `--test-timeout` bounds each test, but neither a listener that is left open nor an `await`
 * outside of the tests, and `--test-force-exit` loses results that are still on their way to the runner.
 */
import { after } from 'node:test'

export interface FileBounds {
  /** Milliseconds from the last test to the end of the process. */
  readonly afterTests: number
  /** Milliseconds for the whole file. */
  readonly inAll: number
}

/** A keep-alive connection may stay for seconds; the longest file, of attacks, takes four minutes on a busy machine. */
const bounds: FileBounds = { afterTests: 30_000, inAll: 900_000 }

/** Only in the process of a file, not in the runner. */
if (process.env.NODE_TEST_CONTEXT !== undefined) boundFile(bounds)

export function boundFile({ afterTests, inAll }: FileBounds): void {
  const endIn = (milliseconds: number, reason: string) => setTimeout(() => end(reason), milliseconds).unref()
  endIn(inAll, 'the tests of this file take too long')
  after(() => void endIn(afterTests, 'the tests are over, and something is still open'))
}

function end(reason: string): void {
  process.stderr.write(`${process.argv[1]}: ${reason}: ${process.getActiveResourcesInfo().join(', ')}\n`)
  // process.exit() waits for threads, and one that waits in the kernel does not end.
  process.kill(process.pid, 'SIGKILL')
}
