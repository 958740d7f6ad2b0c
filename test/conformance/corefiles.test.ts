/** The examples beside CoreDNS 1.15.0 itself: what we read it reads, what we refuse it refuses. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, test } from 'node:test'
import { variables } from '../spec/corefile/variables.ts'
import { peer, unmet, without } from '../support/peers.ts'

const examples = join(import.meta.dirname, '../spec/corefile')

/** A network of its own, so that the ports in the examples are free and nobody hears them. */
const isolated = ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$0" "$@"']
const canIsolate = spawnSync(isolated[0], [...isolated.slice(1), 'true']).status === 0
const skip = without('coredns') || (!canIsolate && unmet('needs network namespaces (unshare, ip)'))

describe('the examples of Corefiles, as CoreDNS reads them', { skip, concurrency: 4 }, () => {
  for (const folder of ['good', 'bad'])
    for (const name of readdirSync(join(examples, folder)).filter((entry) => entry.endsWith('.corefile'))) {
      const path = join(examples, folder, name)
      const differs = /^# CoreDNS differs: (.*)$/m.exec(readFileSync(path, 'utf8'))?.[1]
      test(`${folder}: ${basename(name, '.corefile').replaceAll('-', ' ')}`, { skip: differs }, async () => {
        const { started, output } = await runCoreDns(path)
        assert.equal(started, folder === 'good', output)
      })
    }
})

/** Starts CoreDNS, which prints its version when it serves, and ends it. */
function runCoreDns(path: string): Promise<{ started: boolean; output: string }> {
  const child = spawn(isolated[0], [...isolated.slice(1), peer('coredns')!, '-conf', path], {
    env: { ...process.env, ...variables },
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk
    if (output.includes('CoreDNS-')) child.kill('SIGKILL')
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise((resolve) => {
    child.on('close', () => resolve({ started: output.includes('CoreDNS-'), output }))
  })
}
