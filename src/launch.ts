#!/usr/bin/env node
/**
 * `dist/slicedns.js`: whatever Node.js started it, it serves on the pinned runtime, with the flags that need a new
 * process image. Like runtime.js it must itself run on Node 20.
 */
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'
import { isServing, serverFlags } from './launch-flags.ts'
import { become, findRuntime } from './runtime.js'

// Until a process has a handler of its own, Node.js answers SIGUSR1 by opening its inspector on port 9229.
process.on('SIGUSR1', () => {})

const args = process.argv.slice(2)
const runtime = findRuntime()
if (runtime.isThis && isServing(process.execArgv, args)) {
  // Compiled code of what follows, made by the build: a start takes 50 ms less. Portable: its paths are relative, and its
  // folder's name has no user in it.
  const compileCache = fileURLToPath(new URL('./compile-cache', import.meta.url))
  if (existsSync(compileCache)) module.enableCompileCache({ directory: compileCache, portable: true })
  // The name is put together so that the bundler leaves it alone: the server is a bundle of its own, beside this file.
  await import(new URL('./server.js', import.meta.url).href)
} else {
  await become(runtime.file, [...serverFlags(args), fileURLToPath(import.meta.url), ...args])
}
