/**
 * `npm run conformance`: one real API server, one upstream, the real CoreDNS and slicedns with the same Corefile. Both
 * are asked the same questions, and every difference is printed. Exit code 1 when there is one that is not excused.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { peer, without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { builtServer, runtime } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type Client, openClient } from './client.ts'
import { conformanceCluster, type KubernetesObject } from './cluster.ts'
import { difference } from './compare.ts'
import { type Configuration, configurations } from './configurations.ts'
import { excuse } from './excuses.ts'
import { type Ask, questions } from './queries.ts'
import { startUpstream } from './upstream.ts'

const parallel = 32
const shownDifferences = 1_000

interface Result {
  passed: number
  excused: Map<string, number>
  readonly failed: string[]
}

async function main(): Promise<number> {
  const missing = without('coredns', 'etcd', 'kube-apiserver')
  if (missing !== false) {
    process.stdout.write(`conformance skipped: ${missing}\n`)
    return 0
  }
  const wanted = process.argv.slice(2)
  const chosen = configurations.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
  const plane = await startControlPlane()
  const upstream = await startUpstream()
  try {
    const objects = conformanceCluster()
    await createAll(plane, objects)
    let passed = 0
    let failed = 0
    for (const configuration of chosen) {
      const result = await compare(configuration, plane, upstream.port, objects)
      passed += result.passed
      failed += result.failed.length
      report(configuration, result)
    }
    process.stdout.write(`${passed} passed, ${failed} failed\n`)
    return failed > 0 ? 1 : 0
  } finally {
    upstream.close()
    await plane.stop()
  }
}

function report({ name }: Configuration, { passed, excused, failed }: Result): void {
  for (const text of failed.slice(0, shownDifferences)) process.stdout.write(`${name}: ${text}\n`)
  if (failed.length > shownDifferences) process.stdout.write(`… and ${failed.length - shownDifferences} more\n`)
  const excuses = [...excused].map(([reason, count]) => `, ${count} differ as documented (${reason})`).join('')
  process.stdout.write(`${name}: ${passed} equal${excuses}, ${failed.length} differ\n`)
}

async function createAll(plane: ControlPlane, objects: readonly KubernetesObject[]): Promise<void> {
  for (const object of objects) {
    const { namespace } = object.metadata
    const group = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`
    const plural = `${object.kind.toLowerCase()}s`
    const path = `${group}${namespace ? `/namespaces/${namespace}` : ''}/${plural}`
    await plane.request('POST', path, object)
    if (object['status'])
      await plane.request('PATCH', `${path}/${object.metadata.name}/status`, { status: object['status'] })
  }
}

async function compare(
  configuration: Configuration,
  plane: ControlPlane,
  upstreamPort: number,
  objects: readonly KubernetesObject[],
): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-conformance-'))
  const kubeconfig = plane.kubeconfig(plane.adminToken)
  const start = async (name: string, command: readonly string[]) => {
    const port = await freePort()
    const corefile = join(folder, `${name}.corefile`)
    writeFileSync(corefile, configuration.corefile({ port, kubeconfig, upstream: `127.0.0.1:${upstreamPort}` }))
    return startServer([...command, '-conf', corefile], port, configuration.settledName)
  }
  const theirs = await start('coredns', [peer('coredns')!])
  const ours = await start('slicedns', [runtime, builtServer])
  try {
    return await askBoth(
      questions(objects, configuration.zone),
      theirs.client,
      ours.client,
      configuration.corefile({ port: 0, kubeconfig, upstream: '' }),
    )
  } finally {
    await Promise.all([theirs.stop(), ours.stop()])
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Starts a server and waits until it answers a name of the cluster. */
async function startServer(command: readonly string[], port: number, settledName: string) {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  const client = await openClient('127.0.0.1', port)
  const settled: Ask = { ...questions([], settledName)[0]!, name: settledName, over: 'udp' }
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${command[0]} ended: ${output}`)
    const reply = await client.ask(settled)
    if (!reply || (reply[3]! & 15) !== 0) throw new Error(`${command.join(' ')} does not answer: ${output}`)
  })
  return {
    client,
    async stop() {
      client.close()
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function askBoth(asks: readonly Ask[], theirs: Client, ours: Client, corefile: string): Promise<Result> {
  const result: Result = { passed: 0, excused: new Map(), failed: [] }
  let next = 0
  const worker = async () => {
    for (let asked = asks[next++]; asked; asked = asks[next++]) {
      const [wanted, got] = await Promise.all([theirs.ask(asked), ours.ask(asked)])
      const text = difference(asked, wanted, got)
      const reason = text === undefined ? undefined : excuse(wanted, got, corefile)
      if (text === undefined) result.passed++
      else if (reason === undefined) result.failed.push(text)
      else result.excused.set(reason, (result.excused.get(reason) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: parallel }, worker))
  return result
}

process.exitCode = await main()
