/** Signal functions of the C library that Node.js does not offer. */
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { errorMessage } from './telemetry/error-text.ts'
import type { Logger } from './telemetry/log.ts'

/** SIG_UNBLOCK of sigprocmask(2). */
const unblock = process.platform === 'darwin' ? 2 : 1
/** Octets of a sigset_t in glibc and musl; macOS has 4. Signal N is bit N - 1. */
const setSize = 128

/**
 * Delivers SIGUSR1 to the handlers. The runtime was started with the signal blocked (launch-flags.ts); one that has arrived
 * meanwhile is pending in the kernel and delivered now.
 */
export function unblockReloadSignal(log: Logger): void {
  if (!process.execArgv.includes('--disable-sigusr1')) return
  try {
    const { koffi, libc } = loadLibc()
    const sigprocmask = libc.func('sigprocmask', 'int', ['int', 'void *', 'void *'])
    const signals = new Uint8Array(setSize)
    const bit = constants.signals.SIGUSR1 - 1
    signals[bit >> 3] = 1 << (bit & 7)
    if (sigprocmask(unblock, signals, null) !== 0) throw new Error(`sigprocmask: error ${koffi.errno()}`)
  } catch (error) {
    log.error(`SIGUSR1 stays blocked, reload with SIGHUP: ${errorMessage(error)}`)
  }
}

/**
 * Makes the kernel end the process after so many seconds (alarm(2)), even if the main thread is busy and no JavaScript timer
 * runs. Does nothing without koffi.
 */
export function endAfter(seconds: number): void {
  try {
    loadLibc().libc.func('alarm', 'uint', ['uint'])(seconds)
  } catch {
    // Without the native library our own timer is all there is.
  }
}

function loadLibc() {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  return { koffi, libc: koffi.load(null) }
}
