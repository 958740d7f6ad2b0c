#!/usr/bin/env node
/**
 * `dist/slicedns.js`: whatever Node.js started it, it serves on the pinned runtime, with the flag that keeps memory low.
 * Like runtime.js it must itself run on Node 20.
 */
import { fileURLToPath } from 'node:url'
import { become, findRuntime } from './runtime.js'

/** V8 reads it only at its start: young garbage then stays at 8 MiB instead of 37. package.json's scripts have the same. */
const flag = '--max-semi-space-size=2'

// Until the server has a handler of its own, SIGUSR1 would open Node's inspector on port 9229. (--disable-sigusr1 is no
// help: it leaves the signal blocked for good, and a handler never hears of it.)
process.on('SIGUSR1', () => {})

const runtime = findRuntime()
const flagged = process.execArgv.some((given) => given.startsWith(`${flag.split('=')[0]}=`))
if (runtime.isThis && flagged) {
  // The name is put together so that the bundler leaves it alone: the server is a bundle of its own, beside this file.
  await import(new URL('./server.js', import.meta.url).href)
} else {
  await become(runtime.file, [flag, fileURLToPath(import.meta.url), ...process.argv.slice(2)])
}
