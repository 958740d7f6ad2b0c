/** Compiled code of dist/, made by the build: without it a start takes 50 ms more. Runs on Node 20. */
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * For what this thread loads from now on: each thread has to ask for it. `bundle` is the URL of a file of dist/. Portable:
 * its paths are relative, and its folder's name has no user in it.
 */
export function useCompileCache(bundle: string): void {
  const directory = fileURLToPath(new URL('./compile-cache', bundle))
  if (existsSync(directory)) module.enableCompileCache({ directory, portable: true })
}
