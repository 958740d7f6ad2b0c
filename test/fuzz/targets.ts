/** Targets by name, one a file. Loaded when they are wanted, so that the sources they import can be instrumented before. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './engine/target.ts'

export const targetNames = readdirSync(join(import.meta.dirname, 'targets'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .sort()

export async function loadTarget(name: string): Promise<Target> {
  const { target }: { readonly target: Target } = await import(`./targets/${name}.ts`)
  return target
}
