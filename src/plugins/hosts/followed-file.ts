/** A hosts file that is read again when it changes. */

import { type Stats, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { readRegularFile } from '../../corefile/regular-file.ts'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Logger } from '../../telemetry/log.ts'

/** Octets: a list of a million names has 30 MiB. A larger one would not fit into the memory of a pod. */
const maxFileOctets = 32 * 1024 * 1024

export interface FollowedFile {
  /** Checks the file every `milliseconds`, until stopped. */
  follow(milliseconds: number): { stop(): void }
}

export interface FileText {
  readonly text: string
  /** Milliseconds since 1970. */
  readonly modifiedAt: number
}

/**
 * Reads the file now and whenever its size or modification time changes, and passes the text to `onText`. When the file
 * is missing or cannot be read, the earlier text stays in use.
 */
export function openFollowedFile(
  path: string,
  clock: Clock,
  log: Logger,
  onText: (file: FileText) => void,
): FollowedFile {
  let seen = ''
  /** The last failure, which is logged once, not at each check. */
  let failure: string | undefined

  /** Whether the file has changed since; throws where it must not be read. */
  function hasChanged(facts: Stats): boolean {
    const version = `${facts.mtimeMs} ${facts.size}`
    if (version === seen) return false
    seen = version
    if (!facts.isFile()) throw new Error('is not a regular file')
    if (facts.size > maxFileOctets) throw new Error(`exceeds ${maxFileOctets} octets`)
    return true
  }

  function failed(error: unknown): void {
    const reason = errorMessage(error)
    if (reason === failure) return
    failure = reason
    if (isMissing(error)) log.warning(`File does not exist: ${path}`)
    else log.error(`cannot read hosts file ${path}: ${reason}`)
  }

  async function check(): Promise<void> {
    try {
      const facts = await stat(path)
      if (!hasChanged(facts)) return
      const text = await readFile(path, 'utf8')
      failure = undefined
      onText({ text, modifiedAt: facts.mtimeMs })
    } catch (error) {
      failed(error)
    }
  }

  try {
    const facts = statSync(path)
    if (hasChanged(facts)) onText({ text: readRegularFile(path).toString('utf8'), modifiedAt: facts.mtimeMs })
  } catch (error) {
    failed(error)
  }

  return {
    follow(milliseconds) {
      if (milliseconds <= 0) return { stop: () => undefined }
      let timer: Timer | undefined
      let stopped = false
      const next = () => {
        if (!stopped) timer = clock.after(milliseconds, () => void check().then(next))
      }
      next()
      return {
        stop() {
          stopped = true
          timer?.cancel()
        },
      }
    },
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'
