/** Pods on the host's network share its abstract sockets, and in each of them the server is process 1. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { listeningPids } from '../../src/local-socket/index.ts'
import { peer, unmet } from '../support/peers.ts'
import { tied } from '../support/tied.ts'

/** A PID namespace of its own, and everything else as here: a pod on the host's network, without a folder that it may write to. */
const pod = ['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const cannotMakePods = (): string | false => {
  const [program, ...words] = pod as [string, ...string[]]
  return (
    (peer(program) === undefined || spawnSync(program, [...words, 'true']).status !== 0) &&
    unmet('needs namespaces (unshare)')
  )
}

interface Pod {
  readonly process: ChildProcess
  /** The next line that it prints. */
  line(): Promise<string>
}

function startPod(name: string): Pod {
  const program = join(import.meta.dirname, 'local-socket-pod.ts')
  const [command, ...words] = tied([...pod, process.execPath, program, name]) as [string, ...string[]]
  const child = spawn(command, words, {
    env: { ...process.env, TMPDIR: '/dev/null' },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  return { process: child, line: async () => (await lines.next()).value ?? '' }
}

describe('the local socket of pods on the host’s network', () => {
  it('explain in each of them asks its own server, though each is process 1', {
    skip: cannotMakePods(),
  }, async () => {
    const pods = ['first', 'second'].map((name) => ({ name, ...startPod(name) }))
    try {
      for (const { line } of pods) assert.equal(await line(), 'listens')
      for (const { name, line, process: child } of pods) {
        child.stdin!.write('look\n')
        assert.deepEqual(JSON.parse(await line()), { pid: 1, seen: [1], heard: name })
      }
      assert.ok(!listeningPids().includes(1), 'process 1 of another namespace is not ours')
    } finally {
      for (const { process: child } of pods) child.kill('SIGKILL')
    }
  })
})
