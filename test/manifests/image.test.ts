/**
 * The image as its pod runs it, as far as that goes without a container engine: the files that the Dockerfile lays out,
 * plus the base image's libraries, as a read-only root in namespaces of its own; user 65532, no privilege but port 53,
 * an empty environment, CoreDNS's arguments and the ConfigMap's Corefile unchanged.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { peer, unmet, without } from '../support/peers.ts'
import { runtime } from '../support/server.ts'
import { until } from '../support/until.ts'
import { corefile, folder } from './objects.ts'

const root = join(folder, '..')
const nobody = '65532'
const skip =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? unmet('needs Linux and root, for namespaces')
    : without('unshare', 'setpriv', 'setcap', 'nsenter', 'ip', 'dig')

const image = mkdtempSync(join(tmpdir(), 'slicedns-image-'))
let pod: ChildProcess | undefined
let output = ''

before(() => {
  if (skip) return
  execFileSync(runtime, [join(root, 'build.ts'), '--image', image])
  for (const program of [join(image, 'usr/local/bin/node'), peer('setpriv')!]) copyLibraries(program)
  copyFileSync(peer('setpriv')!, join(image, 'setpriv'))
  mkdirSync(join(image, 'etc/coredns'), { recursive: true })
  for (const mountpoint of ['proc', 'dev']) mkdirSync(join(image, mountpoint))
  writeFileSync(join(image, 'etc/resolv.conf'), 'nameserver 192.0.2.1\n')
  writeFileSync(join(image, 'etc/coredns/Corefile'), corefile)
  chmodSync(image, 0o755)
  // As the Dockerfile does.
  execFileSync(peer('setcap')!, ['cap_net_bind_service=+ep', join(image, 'usr/local/bin/node')])
})

after(async () => {
  if (pod?.exitCode === null && pod.signalCode === null) pod.kill('SIGKILL')
  await until(() => rmSync(image, { recursive: true, force: true }))
})

test('the image serves on port 53 as user 65532 with CoreDNS’s arguments', { skip }, async (t) => {
  const entrypoint: string[] = JSON.parse(
    /^ENTRYPOINT (.*)$/m.exec(readFileSync(join(root, 'Dockerfile'), 'utf8'))![1]!,
  )
  pod = start([...entrypoint, '-conf', '/etc/coredns/Corefile'])

  await t.test('the image starts, and answers SERVFAIL for cluster names without an API server to watch', async () => {
    const reply = await until(() => inPod(['dig', '@127.0.0.1', '+tries=1', '+time=2', 'a.b.svc.cluster.local']))
    assert.match(reply, /status: SERVFAIL/, output)
  })

  await t.test('the UDP threads of the image run: the native library is found and loads', () =>
    until(() => assert.match(output, /udp by threads/)),
  )

  await t.test(
    'the image runs as the process that was started, as user 65532 with one capability and one runtime',
    async () => {
      const status = readFileSync(`/proc/${pod!.pid}/status`, 'utf8')
      assert.match(status, new RegExp(`^Uid:\\s+${nobody}\\s`, 'm'))
      assert.match(status, /^CapEff:\s+0000000000000400$/m)
      assert.match(status, /^NoNewPrivs:\s+1$/m)
      assert.match(readFileSync(`/proc/${pod!.pid}/cmdline`, 'latin1'), /^\/usr\/local\/bin\/node\0/)
    },
  )

  await t.test('SIGTERM ends it with exit code 0', async () => {
    pod!.kill('SIGTERM')
    await until(() => assert.notEqual(pod!.exitCode, null))
    assert.equal(pod!.exitCode, 0, output)
  })
})

/** Puts the shared libraries that a program names beside it: in a real image they come with the base image. */
function copyLibraries(program: string): void {
  for (const [library] of execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/\/\S+\.so\S*/g)) {
    mkdirSync(join(image, dirname(library)), { recursive: true })
    copyFileSync(library, join(image, library))
  }
}

/** Runs a command as the pod's: own mounts and network, read-only root, the pod's user and privileges. */
function start(command: readonly string[]): ChildProcess {
  const capability = '-all,+net_bind_service'
  const privileges = ['--reuid', nobody, '--regid', nobody, '--clear-groups', '--no-new-privs']
  for (const set of ['inh', 'ambient', 'bounding']) {
    privileges.push(set === 'bounding' ? `--${set}-set=${capability}` : `--${set}-caps=${capability}`)
  }
  const script = `set -e
    ip link set lo up
    mount --bind "$0" "$0"
    mount --rbind /proc "$0/proc"
    mount --rbind /dev "$0/dev"
    mount -o remount,ro,bind "$0"
    exec chroot "$0" /setpriv "$@"`
  const child = spawn(peer('unshare')!, ['--mount', '--net', 'sh', '-c', script, image, ...privileges, ...command], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH },
  })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return child
}

async function inPod(command: readonly string[]): Promise<string> {
  return execFileSync(peer('nsenter')!, ['-t', String(pod!.pid), '-n', ...command], { encoding: 'utf8' })
}
