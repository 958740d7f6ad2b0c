/** The file of `keylog`: the secrets of each connection, with which captured traffic can be decrypted (SSLKEYLOGFILE). */
import { accessSync, closeSync, constants, openSync, statSync, writeSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { dirname } from 'node:path'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'

export interface KeyLog {
  write(line: Buffer): void
  close(): void
}

const announce = (path: string, log: Pick<Logger, 'warning'>): void => log.warning(`Writing TLS Key Log to "${path}"`)

const cannotWrite = (error: unknown): Error => new Error(`cannot write the TLS key log: ${errorMessage(error)}`)

export function openKeyLog(path: string, log: Logger): KeyLog {
  const file = openForAppending(path)
  let state: 'open' | 'failed' | 'closed' = 'open'
  announce(path, log)
  return {
    // Handshakes that are under way at a reload go on after it.
    write(line) {
      if (state === 'closed') return
      try {
        writeSync(file, line)
        state = 'open'
      } catch (error) {
        if (state === 'open') log.error(`the TLS key log "${path}" cannot be written: ${errorMessage(error)}`)
        state = 'failed'
      }
    },
    close() {
      state = 'closed'
      closeSync(file)
    },
  }
}

function openForAppending(path: string): number {
  try {
    return openSync(path, 'a', 0o600)
  } catch (error) {
    throw cannotWrite(error)
  }
}

/** Warns and throws as opening the file would, without opening or creating it. */
export function checkKeyLog(path: string, log: Pick<Logger, 'warning'>): void {
  try {
    wouldOpen(path)
  } catch (error) {
    throw cannotWrite(Object.assign(error as NodeJS.ErrnoException, { syscall: 'open', path }))
  }
  announce(path, log)
}

function wouldOpen(path: string): void {
  const isThere = statSync(path, { throwIfNoEntry: false })
  if (isThere?.isDirectory()) throw Object.assign(new Error('it is a folder'), { errno: -osConstants.errno.EISDIR })
  accessSync(isThere ? path : dirname(path), constants.W_OK)
}
