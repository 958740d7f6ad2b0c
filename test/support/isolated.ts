/** Runs a program of the tests in namespaces of its own, and hands on what it prints: one JSON value a line. */
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { peer, unmet } from './peers.ts'
import { tied } from './tied.ts'

const isolated = [
  'unshare',
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
]

/** Why it cannot be done here, or false. */
export const cannotIsolate = (): string | false => {
  const wire = ['link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'wire2']
  const [program, ...words] = [...isolated, peer('ip') ?? 'ip', ...wire] as [string, ...string[]]
  return spawnSync(program, words).status !== 0 && unmet('needs network namespaces (unshare, ip)')
}

/** Throws with what the program wrote to stderr when it fails. `under`: words before the command. */
export async function* runIsolated<Printed>(
  program: string,
  words: readonly string[],
  under: readonly string[] = [],
): AsyncGenerator<Printed> {
  const [command, ...rest] = tied([...under, ...isolated, process.execPath, program, ...words]) as [string, ...string[]]
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  try {
    for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Printed
    if ((await ended) !== 0) throw new Error(errors)
  } finally {
    // Whatever it has started is of its process namespace, and ends with it.
    child.kill('SIGKILL')
  }
}
