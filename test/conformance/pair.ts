/** CoreDNS and slicedns as processes, with the same Corefile, on the same cluster. */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peer } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { builtServer, runtime } from '../support/server.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'
import { type Client, openClient } from './client.ts'
import type { Configuration, Places } from './configuration.ts'
import { excuse } from './excuses.ts'
import { excusePlugin } from './plugins/excuses.ts'
import { type Ask, ask } from './queries.ts'

export interface Asked {
  readonly client: Client
  readonly port: number
  /** What it has printed. */
  output(): string
  stop(): Promise<void>
}

export interface Pair {
  readonly theirs: Asked
  readonly ours: Asked
  readonly zone: string
  /** The Corefile, without places. */
  readonly corefile: string
  /** slicedns's counters, as Prometheus gets them. */
  metrics(): Promise<string>
  /** Why two replies may differ, or undefined: what docs/differences.md says, as rules. */
  excuse(asked: Ask, wanted: Uint8Array | undefined, got: Uint8Array | undefined): string | undefined
  /** How questions are asked, where it is not as differential.ts does. */
  readonly manner?: Manner
  /** One more CoreDNS, with the same Corefile. Its owner stops it. */
  another(): Promise<Asked>
  stop(): Promise<void>
}

export interface Manner {
  /** One after the other. */
  readonly inOrder: boolean
  /** Whether a server that says nothing once is believed. */
  readonly silent: boolean
  /** How often CoreDNS is asked again whether it has the other answer, too. */
  readonly tries: number
}

export type Surroundings = Omit<Places, 'port'>

type Edit = (corefile: string) => string

/** How a server is asked, where it is not over UDP and TCP. */
export type Open = (port: number) => Client | Promise<Client>

const plainly =
  (patience?: number): Open =>
  (port) =>
    openClient('127.0.0.1', port, patience)

/** `edit`: what is said to CoreDNS alone. */
export async function startPair(
  configuration: Configuration,
  surroundings: Surroundings,
  edit: Edit = (corefile) => corefile,
  open: Open = plainly(),
): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-conformance-'))
  const metricsPort = await freePort()
  const start = async (name: string, command: readonly string[], edited: Edit) => {
    const port = await freePort()
    const corefile = join(folder, `${name}.corefile`)
    writeFileSync(corefile, edited(configuration.corefile({ ...surroundings, port })))
    return startServer([...command, '-conf', corefile], port, configuration.settledName, undefined, open)
  }
  const theirs = await start('coredns', [peer('coredns')!], edit)
  const ours = await start('slicedns', [runtime, builtServer], (corefile) => counted(corefile, metricsPort)).catch(
    async (error: unknown) => {
      await theirs.stop()
      throw error
    },
  )
  const corefile = configuration.corefile({ port: 0, kubeconfig: '', upstream: '' })
  return {
    theirs,
    ours,
    zone: configuration.zone,
    corefile,
    excuse: (asked, wanted, got) =>
      excuse(asked, wanted, got, corefile) ??
      (configuration.combined ? excusePlugin(asked, wanted, got, corefile) : undefined),
    metrics: async () => (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
    another: () => start('another-coredns', [peer('coredns')!], edit),
    async stop() {
      await Promise.all([theirs.stop(), ours.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `prometheus` looks at answers and changes none. */
function counted(corefile: string, port: number): string {
  return corefile.replaceAll(/^( *)errors$/gm, `$1errors\n$1prometheus 127.0.0.1:${port}`)
}

/** Starts a server and waits until it answers a name of the cluster; `within`: milliseconds, as of `until`. */
export async function startServer(
  command: readonly string[],
  port: number,
  settledName: string,
  within = 120_000,
  open: Open = plainly(),
): Promise<Asked> {
  const [program, ...words] = tied(command)
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-100_000)
    })
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const client = await open(port)
  const stop = async () => {
    client.close()
    child.kill('SIGKILL')
    await exited
  }
  try {
    await until(
      async () => {
        const reply = await client.ask(ask(settledName, 1))
        if (!reply || (reply[3]! & 15) !== 0) throw new Error(`${command.join(' ')} does not answer: ${output}`)
      },
      { within, unless: () => (child.exitCode === null ? undefined : `${command[0]} has ended: ${output}`) },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { client, port, output: () => output, stop }
}
