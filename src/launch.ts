#!/usr/bin/env node
/**
 * `dist/slicedns.js`: whatever Node.js started it, it serves on the pinned runtime with the flags that need a new process image.
 * Like runtime.js it must itself run on Node 20.
 */
import { fileURLToPath } from 'node:url'
import { useCompileCache } from './compile-cache.ts'
import { isServing, serverEnvironment, serverFlags } from './launch-flags.ts'
import { become, findRuntime } from './runtime.js'

// Until a process has a handler of its own, Node.js answers SIGUSR1 by opening its inspector on port 9229.
process.on('SIGUSR1', () => {})

const args = process.argv.slice(2)
const runtime = findRuntime()
if (runtime.isThis && isServing(process.execArgv, args)) {
  useCompileCache(import.meta.url)
  // The name is computed so that the bundler leaves it alone: the server is a separate bundle beside this file.
  await import(new URL('./server.js', import.meta.url).href)
} else {
  await become(runtime.file, [...serverFlags(args), fileURLToPath(import.meta.url), ...args], serverEnvironment)
}
