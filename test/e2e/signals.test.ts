/** Signals as CoreDNS's operators know them: what each does to the running process, and what the log says of it. */
import assert from 'node:assert/strict'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { without } from '../support/peers.ts'
import { builtServer, type RunningServer, runtime, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'

const skip = without('dig')

async function start(t: TestContext, lameduck: string): Promise<RunningServer> {
  const server = await startServer({
    corefile: ({ dns, health }) => `.:${dns} {
    bind 127.0.0.1
    health 127.0.0.1:${health} {
        lameduck ${lameduck}
    }
    whoami
}
`,
  })
  t.after(() => server.stop('SIGKILL'))
  return server
}

/** Without what `health` says of a busy machine. */
const logOf = (server: RunningServer) => server.output().match(/^\[(?!WARNING\] plugin\/health: Local).*$/gm) ?? []

async function answers(server: RunningServer): Promise<void> {
  assert.equal((await server.dig('x.example', 'A')).rcode, 'NOERROR')
}

test('SIGTERM logs the shutdown, the lameduck period and the end of the drain, and exits with 0', {
  skip,
}, async (t) => {
  const server = await start(t, '500ms')
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
  const [first, second, last, ...more] = logOf(server)
  assert.equal(first, '[INFO] SIGTERM: Shutting down servers then terminating')
  assert.equal(second, '[INFO] plugin/health: Going into lameduck mode for 500ms')
  assert.match(last, /^\[INFO\] SIGTERM: Servers stopped after [\d.]+m?s$/)
  assert.deepEqual(more, [])
})

test('a second SIGTERM, and a SIGINT after it, leave the lameduck period as long as it is', { skip }, async (t) => {
  const server = await start(t, '2s')
  const began = performance.now()
  server.signal('SIGTERM')
  await server.printed(/lameduck mode/)
  server.signal('SIGTERM')
  server.signal('SIGINT')
  await server.printed(/SIGINT: Shutting down/)
  await answers(server)
  assert.deepEqual(await server.exited, { code: 0, signal: null })
  assert.ok(performance.now() - began >= 2000, 'the lameduck period was cut short')
  assert.equal(server.output().match(/Shutting down servers/g)?.length, 1)
})

test('a second SIGINT ends the process at once, with exit code 2', { skip }, async (t) => {
  const server = await start(t, '10m')
  server.signal('SIGINT')
  await server.printed(/^\[INFO\] SIGINT: Shutting down$/m)
  await until(() => {
    server.signal('SIGINT')
    assert.match(server.output(), /Force quit/)
  })
  assert.deepEqual(await server.exited, { code: 2, signal: null })
  assert.match(server.output(), /^\[INFO\] SIGINT: Force quit$/m)
})

test('a SIGINT that npm repeats is the same key, and ends nothing at once', async () => {
  // Signals that another process sends as close together as that are one to the kernel.
  const program = `import { listenForSignals } from './src/signals.ts'
    const log = { info: console.log, warning: console.log, error: console.log }
    listenForSignals(log).handle({ reload() {}, shutdown: async () => {}, shutdownLimit: () => 1000 })
    process.emit('SIGINT')
    process.emit('SIGINT')`
  const { stdout } = await promisify(execFile)(runtime, ['--input-type=module', '-e', program], {
    cwd: join(import.meta.dirname, '../..'),
  })
  assert.match(stdout, /^SIGINT: Shutting down\nSIGINT: Servers stopped after .*\n$/)
})

test('SIGQUIT removes the pidfile and ends the process at once, with exit code 0', { skip }, async (t) => {
  const server = await start(t, '10m')
  const pidfile = join(server.folder, 'pid')
  assert.ok(existsSync(pidfile))
  server.process.once('exit', () => assert.ok(!existsSync(pidfile)))
  server.signal('SIGQUIT')
  assert.deepEqual(await server.exited, { code: 0, signal: null })
  assert.deepEqual(logOf(server), ['[INFO] SIGQUIT: Quitting process immediately'])
})

test('SIGUSR2 is refused in the log, and the process goes on', { skip }, async (t) => {
  const server = await start(t, '0s')
  server.signal('SIGUSR2')
  await server.printed(/^\[ERROR\] SIGUSR2: upgrading in place is not supported/m)
  await answers(server)
})

test('a Corefile that became a pipe fails the reload and stops neither answers nor SIGTERM', { skip }, async (t) => {
  const server = await start(t, '0s')
  execFileSync('mkfifo', [`${server.corefile}.pipe`])
  renameSync(`${server.corefile}.pipe`, server.corefile)
  server.signal('SIGUSR1')
  await server.printed(/reload failed, the running configuration stays: .* is not a regular file/)
  await answers(server)
  assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null })
})

test('SIGTERM ends a process that still waits for its Corefile on standard input', {
  skip: process.platform !== 'linux' && 'reads /proc',
}, async (t) => {
  const child = spawn(runtime, [builtServer, '-conf', 'stdin'], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  // Half a Corefile: whoever writes it may never finish.
  child.stdin.write('.:0 {\n')
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  await until(() => assert.ok(hasOwnHandlers(child.pid!)))
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(output, '[INFO] SIGTERM: Shutting down servers then terminating\n')
})

/** A process that has our handlers and a server whose `shutdown` is this code; its time to stop is over at once. */
async function stopping(t: TestContext, shutdown: string) {
  const script = `
    import { listenForSignals } from ${JSON.stringify(join(import.meta.dirname, '../../src/signals.ts'))}
    const log = Object.fromEntries(['info', 'warning', 'error'].map((level) => [level, (text) => console.log(text)]))
    listenForSignals(log).handle({ reload() {}, shutdown() { ${shutdown} }, shutdownLimit: () => 0 })
    setInterval(() => {}, 1000)
    console.log('ready')`
  const child = spawn(runtime, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (text) => {
    output += text
  })
  await until(() => assert.match(output, /ready/))
  child.kill('SIGTERM')
  const [code, signal] = await once(child, 'close')
  return { code, signal, output }
}

test('a server that does not stop ends with the process when its time is over, and the log says so', async (t) => {
  const { code, output } = await stopping(t, 'return new Promise(() => {})')
  assert.equal(code, 0)
  assert.match(output, /SIGTERM: Terminating after \S+ although the servers have not stopped/)
})

test('the kernel ends a process whose main thread is too busy to end itself', {
  skip: process.platform !== 'linux' && 'needs alarm(2)',
}, async (t) => {
  const { code, signal } = await stopping(t, 'for (;;);')
  assert.deepEqual({ code, signal }, { code: null, signal: 'SIGALRM' })
})

/** Whether our handlers stand: Node.js itself never handles SIGUSR2, number 12 (Linux). */
function hasOwnHandlers(pid: number): boolean {
  const caught = /^SigCgt:\s+(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return (BigInt(`0x${caught}`) & (1n << 11n)) !== 0n
}
