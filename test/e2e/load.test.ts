/** Under load nothing is lost by a reload, and nothing hangs at the end. */
import '../support/alone.ts'
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { movedCorefile } from '../manifests/objects.ts'
import { without } from '../support/peers.ts'
import { type Ports, type RunningServer, startServer } from '../support/server.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const skip = without('dnsperf', 'dig')

const folder = mkdtempSync(join(tmpdir(), 'slicedns-load-'))
const questions = join(folder, 'questions')
writeFileSync(
  questions,
  'kube-dns.kube-system.svc.cluster.local A\nnope.shop.svc.cluster.local A\nllm.inference.svc.cluster.local A\n',
)
after(() => rmSync(folder, { recursive: true }))

const corefile = (ports: Ports): string =>
  movedCorefile(ports, '127.0.0.1:9', [`manifests ${join(root, 'examples')}`])
    .replace('lameduck 5s', 'lameduck 0s')
    .replace(/ +loop\n/, '')

/** dnsperf's words about `seconds` of queries; `rate` per second, or as many as it can. */
async function load(server: RunningServer, seconds: number, rate?: number): Promise<{ sent: number; lost: number }> {
  const limit = rate === undefined ? [] : ['-Q', String(rate)]
  const args = [
    '-p',
    String(server.ports.dns),
    '-d',
    questions,
    '-e',
    '-c',
    '16',
    '-t',
    '2',
    '-l',
    String(seconds),
    ...limit,
  ]
  const { stdout } = await run('dnsperf', args)
  const figure = (label: string) => Number(new RegExp(`${label}:\\s+(\\d+)`).exec(stdout)![1])
  return { sent: figure('Queries sent'), lost: figure('Queries lost') }
}

async function reload(server: RunningServer, text: string): Promise<void> {
  const printed = server.output().length
  writeFileSync(server.corefile, text)
  server.signal('SIGUSR1')
  await server.printed(/Reloading complete/, printed)
}

test('a reload under 5,000 queries a second loses none', { skip }, async (t) => {
  const server = await startServer({ corefile, waitFor: 'ready' })
  t.after(() => server.stop())
  const good = readFileSync(server.corefile, 'utf8')
  const loading = load(server, 3, 5000)
  for (let reloads = 0; reloads < 5; reloads++) await reload(server, `${good}# ${reloads}\n`)
  const { sent, lost } = await loading
  assert.ok(sent > 1000)
  assert.equal(lost, 0)
})

test('multisocket from 4 to 1 and back by reload under 5,000 queries a second loses none', { skip }, async (t) => {
  const sharded = (text: string) => text.replace('    errors\n', '    errors\n    multisocket 4\n')
  const server = await startServer({ corefile: (ports) => sharded(corefile(ports)), waitFor: 'ready' })
  t.after(() => server.stop())
  const four = readFileSync(server.corefile, 'utf8')
  const loading = load(server, 3, 5000)
  await reload(server, four.replace('multisocket 4', 'multisocket 1'))
  await reload(server, four)
  await reload(server, four.replace('multisocket 4', 'multisocket 1'))
  assert.equal((await loading).lost, 0)
})

for (const udp of ['threads', 'dgram'] as const) {
  test(`SIGTERM under all the load there is ends it with exit code 0 (${udp})`, { skip }, async (t) => {
    const env = udp === 'dgram' ? { SLICEDNS_UDP: 'dgram' } : {}
    const server = await startServer({ corefile, waitFor: 'ready', env })
    t.after(() => server.stop('SIGKILL'))
    await server.printed(new RegExp(`udp by ${udp}`))
    const loading = load(server, 2)
    server.signal('SIGTERM')
    assert.deepEqual(await server.exited, { code: 0, signal: null })
    await loading
  })
}
