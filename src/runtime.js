/**
 * Which Node.js runs us. JavaScript, and nothing newer than Node 20 in it: it is what an old Node.js reads in order to find
 * the pinned one, in a checkout (run.js) and in the bundle (launch.ts).
 *
 * `node_modules/.bin/node` would be the simpler way, but npm 10 takes that link away again: each platform's package has
 * a command of this name, and npm 10 cleans up after those it did not install.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

// Importing node:fs costs 3 MiB more than requiring it: an import reads its lazy parts too.
const require = createRequire(import.meta.url)
/** @type {typeof import('node:fs')} */
const { existsSync, realpathSync } = require('node:fs')

/** Without the pinned runtime we accept the current one from this major version on: it runs TypeScript and the bundle. */
const oldestRuntime = 24

/**
 * The platform's package of the pinned runtime: there is one per platform, and npm installs only ours.
 *
 * @returns {string[]}
 */
function runtimePackages() {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  return [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`]
}

/** @returns {string | undefined} */
function pinnedRuntime() {
  for (const name of runtimePackages()) {
    try {
      const folder = dirname(require.resolve(`${name}/package.json`))
      const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
      if (existsSync(file)) return realpathSync(file)
    } catch {
      // Not installed: try the next one.
    }
  }
  return undefined
}

/**
 * The Node.js to run on: the pinned one, else this one where it is recent enough. Ends the
 * process with exit code 1 where it is not.
 *
 * @returns {{ readonly file: string, readonly isThis: boolean }}
 */
export function findRuntime() {
  const here = realpathSync(process.execPath)
  const pinned = pinnedRuntime()
  if (pinned !== undefined) return { file: pinned, isThis: pinned === here }
  const current = `Node.js ${process.versions.node}`
  if (Number.parseInt(process.versions.node, 10) < oldestRuntime) {
    process.stderr.write(
      `slicedns: the bundled Node.js runtime (package ${runtimePackages().join(' or ')}) is not installed, and ${current} is too old to stand in for it: install with optional dependencies, or use Node.js ${oldestRuntime} or later\n`,
    )
    process.exit(1)
  }
  return { file: here, isThis: true }
}

/**
 * Runs `file` with these arguments instead of this process: in its place where Node.js can do that (the pid stays), else
 * as a child that gets our signals and whose end is ours.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {Readonly<Record<string, string>>} defaults of the environment
 * @returns {Promise<void>}
 */
export async function become(file, args, defaults = {}) {
  const env = { ...defaults, ...process.env }
  if (process.execve !== undefined && process.platform !== 'win32') {
    process.execve(file, [file, ...args], /** @type {Record<string, string>} */ (env))
  }
  const { spawn } = await import('node:child_process')
  const child = spawn(file, args, { stdio: 'inherit', env })
  /** @type {readonly NodeJS.Signals[]} */
  const forwarded =
    process.platform === 'win32'
      ? ['SIGINT', 'SIGTERM']
      : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']
  for (const signal of forwarded) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => {
    process.stderr.write(`slicedns: cannot start ${file}: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    for (const own of forwarded) process.removeAllListeners(own)
    process.kill(process.pid, signal)
  })
}
