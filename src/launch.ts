#!/usr/bin/env node
/**
 * `dist/slicedns.js`: whatever Node started it, it serves on the pinned runtime, with the flag that keeps memory low.
 * It must itself run on Node 20, the oldest that npm may put in front of us, and imports nothing but Node's own modules.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Importing node:fs costs 3 MiB more than requiring it: an import reads its lazy parts too.
const require = createRequire(import.meta.url)
const { existsSync, realpathSync } = require('node:fs') as typeof import('node:fs')

/** V8 reads it only at its start: young garbage then stays at 8 MiB instead of 37. package.json's scripts have the same. */
const runtimeFlags = ['--max-semi-space-size=2']

/** Without the pinned runtime we accept the current one from this major version on: it knows the flags. */
const oldestRuntime = 24

// Until the server has a handler of its own, SIGUSR1 would open Node's inspector on port 9229. (--disable-sigusr1 is no
// help: it leaves the signal blocked for good, and a handler never hears of it.)
process.on('SIGUSR1', () => {})

await launch()

async function launch(): Promise<void> {
  const runtime = findRuntime()
  const here = realpathSync(process.execPath)
  if (runtime === undefined && Number.parseInt(process.versions.node, 10) < oldestRuntime) {
    process.stderr.write(
      `slicedns: the bundled Node.js runtime (package ${runtimePackages().join(' or ')}) is not installed, and Node.js ` +
        `${process.versions.node} is too old to stand in for it: install with optional dependencies, or use Node.js ` +
        `${oldestRuntime} or later\n`,
    )
    process.exit(1)
  }
  if ((runtime === undefined || runtime === here) && hasFlags(process.execArgv)) {
    // The name is put together so that the bundler leaves it alone: the server is a bundle of its own, beside this file.
    await import(new URL('./server.js', import.meta.url).href)
    return
  }
  if (runtime === undefined) {
    process.stderr.write(`slicedns: no bundled Node.js runtime here; using Node.js ${process.versions.node}\n`)
  }
  await restart(runtime ?? here)
}

/** The platform's package of the pinned runtime: there is one per platform, and npm installs only ours. */
function runtimePackages(): string[] {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  return [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`]
}

function findRuntime(): string | undefined {
  for (const name of runtimePackages()) {
    try {
      const file = join(
        dirname(require.resolve(`${name}/package.json`)),
        'bin',
        process.platform === 'win32' ? 'node.exe' : 'node',
      )
      if (existsSync(file)) return realpathSync(file)
    } catch {
      // Not installed: try the next one.
    }
  }
  return undefined
}

function hasFlags(given: readonly string[]): boolean {
  return runtimeFlags.every((flag) => given.some((own) => own.split('=')[0] === flag.split('=')[0]))
}

/** Starts this file again on `runtime`: in place where Node can (the process keeps its pid), else as a child. */
async function restart(runtime: string): Promise<void> {
  const args = [...runtimeFlags, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  if (process.execve !== undefined && process.platform !== 'win32') {
    process.execve(runtime, [runtime, ...args], process.env as Record<string, string>)
  }
  const { spawn } = await import('node:child_process')
  const child = spawn(runtime, args, { stdio: 'inherit' })
  const forwarded: readonly NodeJS.Signals[] =
    process.platform === 'win32'
      ? ['SIGINT', 'SIGTERM']
      : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
  for (const signal of forwarded) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`slicedns: cannot start ${runtime}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const own of forwarded) process.removeAllListeners(own)
    process.kill(process.pid, signal)
  })
}
