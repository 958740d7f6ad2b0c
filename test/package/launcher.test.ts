/** The shipped command: any Node.js may start it, the pinned runtime serves, signals reach what serves. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { unmet } from '../support/peers.ts'
import { builtServer, type Ports, type RunningServer, runtime, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const corefile = ({ dns }: Ports) => `.:${dns} {\n    whoami\n}\n`
const systemNode = findSystemNode()
const noSystemNode = systemNode === undefined && unmet('needs a Node.js 20 or 22 on PATH, to be started by')
const linux = process.platform === 'linux'

test('the process that the pinned runtime started serves, with the flags of the server', {
  skip: !linux && 'reads /proc',
}, async (t) => {
  const server = await startServer({ corefile })
  t.after(() => server.stop())
  assert.equal(server.pid, server.process.pid)
  const [program, ...args] = commandLine(server.pid)
  assert.equal(program, runtime)
  assert.deepEqual(args.slice(0, 2), ['--disable-sigusr1', '--max-semi-space-size=2'])
  server.signal('SIGUSR1')
  await server.printed(/SIGUSR1: Reloading/)
})

test('-memory-limit bounds the heap of the runtime: half of it', {
  skip: !linux && 'reads /proc',
}, async (t) => {
  const server = await startServer({ corefile, args: ['-memory-limit', '300Mi'] })
  t.after(() => server.stop())
  assert.ok(commandLine(server.pid).includes('--max-old-space-size=150'), commandLine(server.pid).join(' '))
})

test('a SIGUSR1 before the server has its handler does not open the inspector, and the next one reloads', {
  skip: !linux && 'reads /proc',
}, async (t) => {
  const server = await startServer({
    corefile,
    waitFor: 'nothing',
    command: [runtime, '--disable-sigusr1', '--max-semi-space-size=2', builtServer],
  })
  t.after(() => server.stop())
  // Node.js blocks it while it starts; before that the signal would end the process, as any process.
  await until(() => assert.ok(signalSet(server.process.pid!, 'SigBlk') & sigusr1), { every: 1 })
  server.process.kill('SIGUSR1')
  await server.printed(/^slicedns-\d/m)
  assert.doesNotMatch(server.output(), /Debugger listening/)
  assert.equal(signalSet(server.pid, 'SigBlk') & sigusr1, 0n)
  server.signal('SIGUSR1')
  await server.printed(/SIGUSR1: Reloading/)
})

test('the pinned runtime serves when an older Node.js starts the server, and commands find it by the pid of either', {
  skip: noSystemNode,
}, async (t) => {
  const server = await startServer({ corefile, command: [systemNode!, builtServer] })
  t.after(() => server.stop())
  assert.equal(commandLine(server.pid)[0], runtime)
  const reply = await server.dig('example.org', 'A')
  assert.equal(reply.rcode, 'NOERROR')
  const launcher = server.process.pid!
  assert.notEqual(launcher, server.pid)
  for (const pid of [launcher, server.pid]) {
    const status = spawnSync(runtime, [builtServer, 'status', '--json', '--pid', String(pid)], { encoding: 'utf8' })
    assert.equal(JSON.parse(status.stdout).pid, server.pid, status.stderr)
  }
})

test('a signal to an older Node.js that started the server reaches it, and so does its exit code the caller', {
  skip: noSystemNode,
}, async (t) => {
  const server = await startServer({ corefile, command: [systemNode!, builtServer] })
  t.after(() => server.stop())
  const launcher = server.process.pid!
  process.kill(launcher, 'SIGUSR1')
  await server.printed(/SIGUSR1: Reloading/)
  process.kill(launcher, 'SIGTERM')
  assert.deepEqual(await server.exited, { code: 0, signal: null })
})

test('a signal to npm reaches the server that it started', async (t) => {
  const server = await startServer({ corefile, command: ['npm', '--prefix', root, 'run', '-s', 'slicedns', '--'] })
  t.after(() => server.stop())
  await ends(server, server.process.pid!)
})

test('the exit code of the server comes through: 2 for an unknown flag', () => {
  for (const node of [runtime, ...(systemNode ? [systemNode] : [])]) {
    assert.equal(spawnSync(node, [builtServer, '-no-such-flag']).status, 2, node)
  }
})

test('the built server without its packages runs on a recent Node.js, and says what is missing on an old one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-bare-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(dirname(builtServer), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  const bare = join(folder, 'dist/slicedns.js')
  const recent = spawnSync(runtime, [bare, '-version'], { encoding: 'utf8' })
  assert.equal(recent.status, 0, recent.stderr)
  if (systemNode === undefined) return
  const old = spawnSync(systemNode, [bare, '-version'], { encoding: 'utf8' })
  assert.equal(old.status, 1)
  assert.match(old.stderr, /too old .* install with optional dependencies/)
})

async function ends(server: RunningServer, signalled: number): Promise<void> {
  const serving = server.pid
  process.kill(signalled, 'SIGTERM')
  await server.exited
  assert.throws(() => process.kill(serving, 0), { code: 'ESRCH' })
}

const sigusr1 = 1n << 9n

/** A set of signals of the process's main thread, as proc_pid_status(5) has it: bit N - 1 is signal N. */
function signalSet(pid: number, name: 'SigBlk' | 'SigCgt'): bigint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return BigInt(`0x${new RegExp(`^${name}:\\s+(\\S+)$`, 'm').exec(status)?.[1]}`)
}

function commandLine(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
}

/** A Node.js of the machine's own that cannot replace itself (process.execve came with 22.15): the launcher's other way. */
function findSystemNode(): string | undefined {
  const own = resolve(root, 'node_modules/.bin')
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => resolve(folder) !== own)
    .map((folder) => join(folder, 'node'))
    .find(
      (file) => existsSync(file) && execFileSync(file, ['-p', '!process.execve'], { encoding: 'utf8' }) === 'true\n',
    )
}
