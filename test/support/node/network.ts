/**
 * The network of one node, in the network namespace of this process (test/support/isolated.ts makes it): pods have namespaces of
 * their own and a wire each, the node routes between them, and kube-proxy's rules are in its way as on a real node.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { peer } from '../peers.ts'
import { tied } from '../tied.ts'

/** The node's own address: the API server and the upstream listen there. */
export const nodeAddress = '10.0.0.1'
export const podAddresses = '10.244.0.0/16'
/** What pods have as their gateway; the node answers for it on each wire. */
const gateway = '169.254.1.1'

export interface Sandbox {
  readonly address: string
  /** Words before a command that runs it in there. */
  readonly inside: readonly string[]
  /** No packet comes or goes any more. */
  cut(): void
  /** More addresses, as if there were so many pods. */
  readonly others: readonly string[]
  /** The namespace, its wire and whatever still runs in it end. */
  remove(): Promise<void>
}

const ip = (words: string, under: readonly string[] = []): void => {
  const [command, ...args] = [...under, peer('ip')!, ...words.split(' ')]
  execFileSync(command!, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}

export function createNode(): void {
  ip('link set lo up')
  ip(`addr add ${nodeAddress}/32 dev lo`)
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
}

let wires = 0

/** A pod's namespace with an address of 10.244.0.0/16, or one of many pods. */
export async function createSandbox(pods = 1): Promise<Sandbox> {
  const number = ++wires
  const address = `10.244.${number}.1`
  const others = Array.from({ length: pods - 1 }, (_, at) => `10.244.${number}.${at + 2}`)
  const wire = `pod${number}`
  const words = tied(['unshare', '--net', 'sh', '-c', 'echo there; exec sleep infinity'])
  const holder: ChildProcess = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(holder.stdout!, 'data')
  const inside = ['nsenter', '-t', String(holder.pid), '-n']
  ip(`link add ${wire} type veth peer name eth0 netns ${holder.pid}`)
  ip(`addr add ${gateway}/32 dev ${wire}`)
  ip(`link set ${wire} up`)
  ip(`route add 10.244.${number}.0/24 dev ${wire}`)
  ip('link set lo up', inside)
  ip(`addr add ${address}/32 dev eth0`, inside)
  for (const other of others) ip(`addr add ${other}/32 dev eth0`, inside)
  ip('link set eth0 up', inside)
  ip(`route add ${gateway} dev eth0`, inside)
  ip(`route add default via ${gateway} dev eth0`, inside)
  return {
    address,
    others,
    inside,
    cut: () => ip(`link set ${wire} down`),
    async remove() {
      if (holder.exitCode !== null || holder.signalCode !== null) return
      const gone = once(holder, 'exit')
      holder.kill('SIGKILL')
      await gone
    },
  }
}
