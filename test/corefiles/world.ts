/** Everything around the server, made once. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { startCluster } from './cluster.ts'
import { layOutFiles, upstreams } from './files.ts'
import { createNetworks, type Node } from './network.ts'
import { localUpstreams, node as nodeAddress } from './places.ts'

export interface World {
  readonly node: Node
  /** Of the server under test. */
  readonly environment: NodeJS.ProcessEnv
}

export async function createWorld(): Promise<World> {
  const ca = layOutFiles()
  const addresses = upstreams().map((at) => at.slice(0, at.lastIndexOf(':')))
  const node = await createNetworks(addresses.filter(isIPv6))
  const pod = await startCluster()
  const file = join(import.meta.dirname, 'upstream-process.ts')
  await answers(spawn(process.execPath, [file, ...upstreams()], { stdio: ['ignore', 'pipe', 'inherit'] }))
  await answers(node.start([process.execPath, file, ...localUpstreams]))
  // The Corefiles that name it are read here, too.
  process.env.MY_HOST_IP = nodeAddress
  const { PATH, SLICEDNS_UDP } = process.env
  return { node, environment: { PATH, SLICEDNS_UDP, SSL_CERT_FILE: ca, MY_HOST_IP: nodeAddress, ...pod } }
}

async function answers(child: ChildProcess): Promise<void> {
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'close').then(() => Promise.reject(new Error('an upstream ended'))),
  ])
}
