/** A wall clock of its own for a process that is started under it: jumps of the clock that nobody else sees. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { without } from '../peers.ts'

export interface WallClock {
  /** What the process needs in its environment. */
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds that its clock is ahead of ours; below 0 it is behind. */
  readonly offset: number
  set(offset: number): void
  remove(): void
}

/** Why this machine cannot; false where it can. */
export const withoutWallClock = (): string | false => (process.platform !== 'linux' ? 'needs Linux' : without('gcc'))

export function createWallClock(): WallClock {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-clock-'))
  const library = join(folder, 'shim.so')
  execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, join(import.meta.dirname, 'shim.c'), '-ldl'])
  const file = join(folder, 'offset')
  const descriptor = openSync(file, 'w')
  let offset = 0

  function set(milliseconds: number): void {
    offset = milliseconds
    const nanoseconds = Buffer.alloc(8)
    nanoseconds.writeBigInt64LE(BigInt(milliseconds) * 1_000_000n)
    writeSync(descriptor, nanoseconds, 0, 8, 0)
  }

  set(0)
  return {
    env: { LD_PRELOAD: library, WALL_CLOCK_OFFSET: file },
    get offset() {
      return offset
    },
    set,
    remove() {
      closeSync(descriptor)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
