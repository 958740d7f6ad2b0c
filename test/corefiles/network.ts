/**
 * Two networks on a wire. This process is in the world, which has every address there is (the clients', the upstreams',
 * the API server's); the server runs on a node behind it, with the addresses that the Corefiles bind. Nothing needs to be
 * remapped, and nothing leaves the machine: both networks, and the files mounted here, are of namespaces that `unshare`
 * has made for this process.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { peer } from '../support/peers.ts'
import { bound, node, node6, world, world6 } from './places.ts'

export interface Node {
  /** Starts a program on the node. */
  start(command: readonly string[], options?: { env?: NodeJS.ProcessEnv; cwd?: string }): ChildProcess
}

const ip = (words: string, under: readonly string[] = []): void => {
  const [command, ...args] = [...under, peer('ip')!, ...words.split(' ')]
  execFileSync(command!, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** `addresses6`: those of the world; of IPv4 it has all. */
export async function createNetworks(addresses6: readonly string[]): Promise<Node> {
  const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep infinity'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(holder.stdout!, 'data')
  const inside = ['nsenter', '-t', String(holder.pid), '-n']
  const onNode = (words: string): void => ip(words, inside)
  ip('link set lo up')
  ip(`link add wire type veth peer name wire netns ${holder.pid}`)
  ip('link set wire up')
  ip(`addr add ${world}/24 dev wire`)
  ip(`addr add ${world6}/64 dev wire nodad`)
  onNode('link set lo up')
  onNode('link set wire up')
  onNode(`addr add ${node}/24 dev wire`)
  onNode(`addr add ${node6}/64 dev wire nodad`)
  onNode(`route add default via ${world}`)
  onNode(`-6 route add default via ${world6}`)
  // Whatever is not the node is here: packets to any address are for this machine.
  ip('route add local 0.0.0.0/0 dev lo')
  for (const address of addresses6) ip(`addr add ${address}/128 dev lo nodad`)
  for (const address of bound) {
    onNode(`addr add ${address}/32 dev lo`)
    ip(`route add ${address}/32 via ${node}`)
  }
  return {
    start(command, options = {}) {
      const words = [...inside, ...command]
      return spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], ...options })
    },
  }
}
