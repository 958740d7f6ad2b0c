/** The programs of the flood (main.c), compiled where they are needed. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tied } from '../../support/tied.ts'
import { until } from '../../support/until.ts'

export interface FloodProgram {
  /** Starts `flood ARGS`; its lines go to `onLine`. */
  start(args: readonly (string | number)[], onLine: (line: string) => void): Started
  /** Runs the upstream until `stop`. */
  startUpstream(port: number): Promise<{ stop(): Promise<void> }>
  remove(): void
}

export interface Started {
  /** Resolves with the exit code. */
  readonly ended: Promise<number>
  /** Ends its standard input. */
  finish(): void
  kill(): void
}

export function compileFlood(): FloodProgram {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-flood-'))
  const binary = join(folder, 'flood')
  const sources = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.c'))
  execFileSync('gcc', ['-O2', '-o', binary, ...sources.map((name) => join(import.meta.dirname, name))])

  function start(args: readonly (string | number)[], onLine: (line: string) => void): Started {
    const [command, ...rest] = tied([binary, ...args.map(String)])
    const child: ChildProcess = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    let pending = ''
    child.stdout!.on('data', (chunk: Buffer) => {
      const lines = (pending + chunk).split('\n')
      pending = lines.pop()!
      lines.forEach(onLine)
    })
    return {
      ended: once(child, 'close').then(([code]) => code ?? -1),
      finish: () => void child.stdin!.end(),
      kill: () => void child.kill('SIGKILL'),
    }
  }

  return {
    start,
    async startUpstream(port) {
      let listens = false
      const upstream = start(['upstream', port], () => {
        listens = true
      })
      await until(() => {
        if (!listens) throw new Error('the upstream does not listen')
      })
      return {
        async stop() {
          upstream.kill()
          await upstream.ended
        },
      }
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}
