/**
 * A place with a network, an /etc/resolv.conf, nsswitch.conf and hosts of its own, as a pod has: stub resolvers read that
 * file and ask port 53, and nothing else can be told to most of them. Linux namespaces, made by `unshare`.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { peer, unmet, without } from '../support/peers.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'

const run = promisify(execFile)

export interface Pod {
  /** A folder that programs inside see too. */
  readonly folder: string
  /** Words before a command that runs inside. */
  readonly inside: readonly string[]
  /** Replaces /etc/resolv.conf. */
  configure(resolvConf: string): void
  /** Runs a program to its end; rejects, with what it printed, when its exit code is not 0. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  /** Starts a program that stays until the pod stops; gives what it has printed so far. */
  start(command: readonly string[]): () => string
  stop(): Promise<void>
}

/**
 * The pod's files are in "$1". It has an interface with addresses, for resolvers ask for no family that the machine lacks,
 * and systemd-resolved asks nobody while there is loopback only. /run is empty, so that daemons find only each other.
 */
const prepare = `
set -e
ip link set lo up
ip link add eth0 type veth peer name host0
ip link set eth0 up
ip link set host0 up
ip addr add 10.244.0.10/24 dev eth0
ip addr add fd00:244::10/64 dev eth0 nodad
mount -t tmpfs none /run
[ -e /etc/resolv.conf ] || { mkdir -p "$(dirname "$(readlink -m /etc/resolv.conf)")"; : > /etc/resolv.conf; }
for file in $2; do mount --bind "$1/$file" "/etc/$file"; done
echo ready
exec sleep infinity
`

const etc = {
  'resolv.conf': '',
  'nsswitch.conf': 'hosts: files dns\n',
  hosts: '127.0.0.1 localhost\n',
  // For systemd-resolved, which becomes that user, without installing it.
  passwd: 'root:x:0:0:root:/root:/bin/sh\nsystemd-resolve:x:0:0::/:/bin/sh\n',
  group: 'root:x:0:\nsystemd-resolve:x:0:\n',
}

const asRoot = process.getuid?.() === 0
/** Who is not root becomes root of a user namespace. */
const [unshareUser, enterUser] = asRoot ? [[], []] : [['-r'], ['-U', '--preserve-credentials']]

/** For `test(…, { skip })`: false, or why there can be no pod here. */
export function withoutPods(): string | false {
  const missing = without('unshare', 'nsenter', 'ip', 'mount')
  if (missing) return missing
  try {
    execFileSync(peer('unshare')!, [...unshareUser, '-m', '-n', 'mount', '-t', 'tmpfs', 'none', '/run'], {
      stdio: 'ignore',
    })
    return false
  } catch {
    return unmet('needs the right to make namespaces (root, or unprivileged user namespaces)')
  }
}

export async function openPod(): Promise<Pod> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-pod-'))
  for (const [name, text] of Object.entries(etc)) writeFileSync(join(folder, name), text)
  const programs: Program[] = []
  const start = (command: readonly string[]) => {
    const program = startProgram(command)
    programs.push(program)
    return program
  }
  const names = Object.keys(etc).join(' ')
  const holder = start([peer('unshare')!, ...unshareUser, '-m', '-n', 'sh', '-c', prepare, 'pod', folder, names])
  await until(() => assert.equal(holder.output(), 'ready\n'), { unless: holder.end })
  const inside = [peer('nsenter')!, '-t', String(holder.child.pid), ...enterUser, '-m', '-n']
  return {
    folder,
    inside,
    configure: (text) => writeFileSync(join(folder, 'resolv.conf'), text),
    async run([program, ...args], env = {}) {
      const [first, ...rest] = [...inside, peer(program!) ?? program!, ...args]
      const options = { env: { ...process.env, ...env }, timeout: 60_000, maxBuffer: 1 << 24 }
      return (await run(first!, rest, options)).stdout
    },
    start: ([program, ...args]) => start([...inside, peer(program!) ?? program!, ...args]).output,
    async stop() {
      for (const { child } of programs) child.kill('SIGKILL')
      await Promise.all(programs.map(({ ended }) => ended))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

interface Program {
  readonly child: ChildProcess
  readonly ended: Promise<void>
  /** Everything printed so far. */
  output(): string
  /** That it has ended, and with what words, or undefined. */
  end(): string | undefined
}

function startProgram(command: readonly string[]): Program {
  const [file, ...args] = tied(command)
  const child = spawn(file!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  return {
    child,
    ended: new Promise((resolve) => child.on('close', () => resolve())),
    output: () => output,
    end: () => (child.exitCode === null ? undefined : `${command.join(' ')} has ended: ${output}`),
  }
}
