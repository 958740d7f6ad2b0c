/** Starts program.ts in namespaces of its own, and hands on what it finds. */
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { peer, unmet, without } from '../support/peers.ts'
import { tied } from '../support/tied.ts'
import type { Compared } from './answers.ts'
import { corefiles, haveCorefiles } from './places.ts'
import type { Reloaded } from './reloads.ts'

const isolated = ['unshare', '--user', '--map-root-user', '--net', '--mount', '--pid', '--fork', '--mount-proc']

const canIsolate = (): boolean =>
  spawnSync(isolated[0]!, [
    ...isolated.slice(1),
    peer('ip')!,
    'link',
    'add',
    'wire',
    'type',
    'veth',
    'peer',
    'name',
    'wire2',
  ]).status === 0

/** Why it cannot be done here, or false. */
export const cannotRun = (): string | false =>
  (!haveCorefiles && `needs the Corefiles of other projects in ${corefiles} (or SLICEDNS_COREFILES)`) ||
  without('coredns', 'ip') ||
  (!canIsolate() && unmet('needs network namespaces (unshare, ip)'))

export interface Results {
  readonly answers: Compared
  readonly tour: Reloaded
  readonly pairs: Reloaded
}

export async function* run<What extends keyof Results>(
  what: What,
  names: readonly string[] = [],
): AsyncGenerator<Results[What]> {
  const words = tied([...isolated, process.execPath, join(import.meta.dirname, 'program.ts'), what, ...names])
  const child = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  for await (const line of createInterface({ input: child.stdout })) yield JSON.parse(line) as Results[What]
  if ((await ended) !== 0) throw new Error(errors)
}
