/** slicedns from its sources and, where it is installed, CoreDNS, as processes with one Corefile. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peer } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { runtime } from '../support/server.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'

export interface NamedServer {
  readonly name: 'slicedns' | 'CoreDNS'
  readonly port: number
  readonly folder: string
  readonly corefile: string
  /** What it has printed. */
  output(): string
  signal(name: NodeJS.Signals): void
  stop(): Promise<void>
}

const main = join(import.meta.dirname, '../../src/main.ts')

const commands = {
  slicedns: () => [runtime, '--disable-sigusr1', '--max-semi-space-size=2', main],
  CoreDNS: () => [peer('coredns')!],
}

/** `corefile`: written for the port, in the folder. Resolves when its ports are open. */
export async function startNamed(
  name: NamedServer['name'],
  corefile: (port: number, folder: string) => string,
): Promise<NamedServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'side-by-side-'))
  const file = join(folder, 'Corefile')
  writeFileSync(file, corefile(port, folder))
  const [program, ...args] = tied([...commands[name](), '-conf', file])
  const child: ChildProcess = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let ended = false
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk))
  const exited = new Promise<void>((resolve) =>
    child.on('close', () => {
      ended = true
      rmSync(folder, { recursive: true, force: true })
      resolve()
    }),
  )
  const server: NamedServer = {
    name,
    port,
    folder,
    corefile: file,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
  await until(
    () => {
      if (!/^(slicedns|CoreDNS)-\d/m.test(output)) throw new Error(`${name} has not started:\n${output}`)
    },
    { unless: () => (ended ? `${name} has ended` : undefined) },
  )
  return server
}
