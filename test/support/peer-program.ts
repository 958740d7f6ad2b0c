/** A peer that runs as long as its harness: what it prints goes to a file, which explains why it has ended. */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { peer } from './peers.ts'
import { tied } from './tied.ts'

export interface PeerProgram {
  signal(name: NodeJS.Signals): void
  /** Why it runs no longer, with the end of what it printed; undefined while it runs. */
  ended(): string | undefined
  stop(signal: NodeJS.Signals): Promise<void>
}

export interface PeerOptions {
  /** Where `NAME.log` is written. */
  readonly folder: string
  /** For taskset. */
  readonly cores?: string | undefined
  readonly env?: Readonly<Record<string, string>>
}

export function startPeer(name: string, flags: readonly string[], options: PeerOptions): PeerProgram {
  const under = options.cores === undefined ? [] : ['taskset', '-c', options.cores]
  const [program, ...words] = tied([...under, peer(name)!, ...flags]) as [string, ...string[]]
  const log = join(options.folder, `${name}.log`)
  const output = openSync(log, 'a')
  const child = spawn(program, words, {
    stdio: ['ignore', output, output],
    env: { ...process.env, ...options.env },
  })
  closeSync(output)
  const running = (): boolean => child.exitCode === null && child.signalCode === null
  return {
    signal: (name) => void child.kill(name),
    ended() {
      if (running()) return undefined
      const text = existsSync(log) ? readFileSync(log, 'utf8').slice(-2000) : ''
      return `${child.spawnargs.join(' ')} has ended:\n${text}\n`
    },
    async stop(signal) {
      if (!running()) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill(signal)
      await gone
    },
  }
}
