/** docs/grpc.md as it stands: its manifests on a real API server, its questions to the built server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { slice, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { without } from '../support/peers.ts'
import type { RunningServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type Kubectl, kubectl, readGuide } from './guide.ts'

const skip = without(...controlPlanePrograms, 'kubectl', 'dig')
const guide = readGuide('grpc')

let cluster: TestCluster
let server: RunningServer
let cli: Kubectl

before(async () => {
  if (skip) return
  cluster = await startCluster()
  server = await cluster.serve()
  cli = kubectl(cluster.kubeconfig(cluster.adminToken), server.ports.dns)
})

after(async () => {
  await server?.stop()
  await cluster?.stop()
})

/** Applies the next manifest, gives its Service pods, and asks what the next block asks. */
async function tryNext(
  service: string,
  port: { name: string; port: number },
  endpoints: readonly string[],
): Promise<void> {
  await cli.apply(guide.next('yaml').text)
  await cluster.create(slice({ namespace: 'default', name: `${service}-1`, service, ports: [port], endpoints }))
  const { text } = guide.next('console')
  const wanted = text.split('\n').filter((line) => line !== '' && !line.startsWith('$ '))
  await until(async () => {
    const printed = (await cli.shell(text)).split('\n').filter((line) => line !== '')
    assert.deepEqual(printed.toSorted(), wanted.toSorted())
  })
}

test('docs/grpc.md: its commands print what it says', { skip }, async () => {
  await tryNext('ranker', { name: 'grpc', port: 50_051 }, ['10.9.0.1', '10.9.0.2', '10.9.0.3'])
  await tryNext('balancer', { name: 'grpclb', port: 50_052 }, ['10.9.1.1', '10.9.1.2'])
  guide.end()
})
