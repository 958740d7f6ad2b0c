/** Starts program.ts in namespaces of its own, and hands on what it finds. */
import { join } from 'node:path'
import { cannotIsolate, runIsolated } from '../support/isolated.ts'
import { without } from '../support/peers.ts'
import type { Compared } from './answers.ts'
import { corefiles, haveCorefiles } from './places.ts'
import type { Reloaded } from './reloads.ts'

/** Why it cannot be done here, or false. */
export const cannotRun = (): string | false =>
  (!haveCorefiles && `needs the Corefiles of other projects in ${corefiles} (or SLICEDNS_COREFILES)`) ||
  without('coredns', 'ip') ||
  cannotIsolate()

export interface Results {
  readonly answers: Compared
  readonly tour: Reloaded
  readonly pairs: Reloaded
}

export const run = <What extends keyof Results>(
  what: What,
  names: readonly string[] = [],
): AsyncGenerator<Results[What]> =>
  runIsolated<Results[What]>(join(import.meta.dirname, 'program.ts'), [what, ...names])
