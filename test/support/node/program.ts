/**
 * A program: one node with kube-proxy, and CoreDNS behind the cluster's DNS Service as kubeadm leaves it, on a real control plane.
 * `node program.ts PER_SECOND STEP…` does the steps while clients ask the Service, and prints what they saw as one JSON line.
 * It runs in namespaces of its own (test/support/isolated.ts).
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { ApiObject } from '../api-client.ts'
import { type ControlPlane, startControlPlane } from '../control-plane.ts'
import { nodeObject, startControllers } from '../controllers.ts'
import { firstAnswer } from '../first-answer.ts'
import { startPeer } from '../peer-program.ts'
import { peer } from '../peers.ts'
import { tied } from '../tied.ts'
import { until } from '../until.ts'
import { type ClientCounts, type ClientKind, clientKinds, patience } from './client-counts.ts'
import { dnsAddress, kubeadmDns } from './cluster-dns.ts'
import { type Kubelet, prepareMounts, startKubelet } from './kubelet.ts'
import { createNode, createSandbox, nodeAddress, podAddresses } from './network.ts'

export interface Outcome extends Omit<ClientCounts, 'lost'> {
  readonly steps: readonly StepOutcome[]
  /** How the processes ended whose pods were deleted. */
  readonly exits: readonly string[]
}

export interface StepOutcome {
  readonly name: string
  readonly seconds: number
  /** Queries of this step whose first try had no reply, and those whose second one had none either. */
  readonly lostOnce: number
  readonly lostTwice: Readonly<Record<ClientKind, number>>
  /** Milliseconds from SIGKILL to the pod's next answer, the kubelet's second among them. */
  readonly back: number | undefined
}

const root = join(import.meta.dirname, '../../..')
const dnsPort = 53
const clusterName = 'kubernetes.default.svc.cluster.local'
const names = [`${clusterName} A`, 'kube-dns.kube-system.svc.cluster.local A', 'outside.example A']

interface Lab {
  readonly plane: ControlPlane
  readonly kubelet: Kubelet
  kubectl(...words: string[]): Promise<string>
  /** Milliseconds after which killed processes answered again. */
  readonly backs: number[]
  /** Some clients ask these servers' own addresses, two each, until there are none. */
  askDirectly(addresses: readonly string[]): void
}

/** What there is to do. Each resolves when its last pod is gone and every other is ready. */
const steps: Readonly<Record<string, (lab: Lab) => Promise<void>>> = {
  async there({ kubectl, kubelet }) {
    await kubectl('apply', '-k', join(root, 'manifests/replace-coredns'))
    await rolledOut(kubectl, 'slicedns')
    await kubectl('-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=0')
    await gone(kubelet, 'coredns-')
  },
  async back({ kubectl, kubelet }) {
    await kubectl('-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=2')
    await rolledOut(kubectl, 'coredns')
    await kubectl('delete', '-k', join(root, 'manifests/replace-coredns'))
    await gone(kubelet, 'slicedns-')
  },
  restart: (lab) => restart(lab, 'slicedns'),
  /** What docs/deploying.md says of `replace-coredns`: the Corefile is CoreDNS's, and gets the option. Pods here read it at their start. */
  async 'restart-with-snapshot'(lab) {
    const path = '/api/v1/namespaces/kube-system/configmaps/coredns'
    const { data } = await lab.plane.request('GET', path)
    const Corefile = data.Corefile.replace('ttl 30', 'ttl 30\n       snapshot /var/lib/slicedns/snapshot')
    await lab.plane.request('PATCH', path, { data: { Corefile } })
    await restart(lab, 'slicedns')
  },
  'restart-coredns': (lab) => restart(lab, 'coredns'),
  async 'three-coredns'({ kubectl }) {
    await kubectl('-n', 'kube-system', 'scale', 'deployment/coredns', '--replicas=3')
    await rolledOut(kubectl, 'coredns')
  },
  kill: (lab) => fail(lab, ['kill']),
  cut: (lab) => fail(lab, ['cut']),
  'kill-and-cut': (lab) => fail(lab, ['kill', 'cut']),
}

async function restart({ kubectl, kubelet }: Lab, name: string): Promise<void> {
  const before = kubelet.running()
  await kubectl('-n', 'kube-system', 'rollout', 'restart', `deployment/${name}`)
  await rolledOut(kubectl, name)
  for (const pod of before) await gone(kubelet, pod)
}

/** A process is killed, and started again by its kubelet; the network of another pod is cut for good. */
async function fail({ kubelet, plane, backs, askDirectly }: Lab, faults: readonly ('kill' | 'cut')[]): Promise<void> {
  const [killed] = kubelet.running()
  const severed = kubelet.running().at(-1)!
  const kill = async (): Promise<void> => {
    kubelet.kill(killed!)
    const at = performance.now()
    const answered = await firstAnswer(dnsPort, clusterName, at + longestBack, 5, {
      address: kubelet.addressOf(killed!),
    })
    if (answered !== undefined) backs.push(answered - at)
    await ready(plane, killed!, true)
  }
  const cut = async (): Promise<void> => {
    kubelet.cut(severed)
    await ready(plane, severed, false)
  }
  askDirectly(kubelet.running().map(kubelet.addressOf))
  await delay(beforeFaults)
  await Promise.all(faults.map((fault) => (fault === 'kill' ? kill() : cut())))
  // Second tries belong to what the first ones ran into.
  await delay(2 * patience)
  askDirectly([])
}

/** Milliseconds in which a snapshot has been written since the last restart. */
const beforeFaults = 3000
const longestBack = 60_000

const rolledOut = (kubectl: Lab['kubectl'], name: string) =>
  kubectl('-n', 'kube-system', 'rollout', 'status', `deployment/${name}`, '--timeout=120s')

const gone = (kubelet: Kubelet, prefix: string) =>
  until(
    () =>
      assert.deepEqual(
        kubelet.running().filter((name) => name.startsWith(prefix)),
        [],
      ),
    { within: 60_000 },
  )

/** Whether the Service sends anything to the pod. */
const ready = (plane: ControlPlane, pod: string, wanted: boolean) =>
  until(
    async () => {
      const { items } = await plane.request('GET', '/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices')
      const endpoints = items.flatMap((slice: ApiObject) => slice.endpoints ?? []) as ApiObject[]
      const found = endpoints.find(({ targetRef }) => targetRef?.name === pod)
      assert.equal(found?.conditions.ready === true, wanted, `${pod} is ready: ${!wanted}`)
    },
    { within: 60_000, every: 50 },
  )

/** Whatever it is asked, it has one address. */
async function startUpstream(): Promise<void> {
  const record = Buffer.from('c00c00010001000001 2c0004c6336401'.replace(' ', ''), 'hex')
  const socket = createSocket('udp4')
  socket.on('message', (message: Buffer, from) => {
    const end = message.indexOf(0, 12) + 5
    const head = Buffer.from(message.subarray(0, end))
    head.writeUInt16BE(0x8180, 2)
    Buffer.from('0001000100000000', 'hex').copy(head, 4)
    socket.send(Buffer.concat([head, record]), from.port, from.address)
  })
  socket.bind(53, nodeAddress)
  await once(socket, 'listening')
}

/**
 * Pods that ask. One alone would come back from the same ports within the half minute that the node's connection tracking keeps
 * each of them bound to a server.
 */
const clientPods = 50

async function startClients(perSecond: string): Promise<{ ask: Lab['askDirectly']; stop(): Promise<ClientCounts> }> {
  const { inside, address, others } = await createSandbox(clientPods)
  const program = join(import.meta.dirname, 'resolver-clients.ts')
  const words = tied([
    ...inside,
    process.execPath,
    program,
    dnsAddress,
    perSecond,
    [address, ...others].join(),
    ...names,
  ])
  const child: ChildProcess = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await once(child, 'message')
  return {
    ask: (addresses) => void child.send([...addresses]),
    async stop() {
      const counted = once(child, 'message')
      child.send('stop')
      const [counts] = (await counted) as [ClientCounts]
      return counts
    },
  }
}

/** Milliseconds after each step. kube-proxy deletes the entries of a pod that has gone up to 2.3 s later: their queries belong to that step. */
const letGo = 4000

const say = (text: string): void => void process.stderr.write(`${(performance.now() / 1000).toFixed(1)} ${text}\n`)

const [perSecond, ...wanted] = process.argv.slice(2) as [string, ...string[]]
createNode()
prepareMounts(([program, ...words]) => execFileSync(program!, words, { stdio: ['ignore', 'ignore', 'inherit'] }))
await startUpstream()
const plane = await startControlPlane({ address: nodeAddress })
const controllers = await startControllers(plane)
const kubeconfig = plane.kubeconfig(plane.adminToken)
await plane.request('POST', '/api/v1/nodes', nodeObject('node-a', [nodeAddress]))
const proxy = startPeer(
  'kube-proxy',
  [
    `--kubeconfig=${kubeconfig}`,
    '--hostname-override=node-a',
    '--proxy-mode=nftables',
    `--cluster-cidr=${podAddresses}`,
    '--conntrack-max-per-core=0',
  ],
  { folder: plane.folder },
)
const lab: Lab = {
  plane,
  kubelet: await startKubelet(plane, 'node-a'),
  async kubectl(...words) {
    const { stdout } = await promisify(execFile)(peer('kubectl')!, ['--kubeconfig', kubeconfig, ...words])
    return stdout
  },
  backs: [],
  askDirectly: (addresses) => clients?.ask(addresses),
}
let clients: Awaited<ReturnType<typeof startClients>> | undefined
try {
  for (const [collection, object] of kubeadmDns) await plane.request('POST', collection, object)
  await rolledOut(lab.kubectl, 'coredns')
  say('CoreDNS serves')
  clients = await startClients(perSecond)
  const done: { name: string; from: number; until: number; back: number | undefined }[] = []
  for (const name of wanted) {
    const from = Date.now()
    await steps[name]!(lab)
    await delay(letGo)
    done.push({ name, from, until: Date.now(), back: lab.backs.shift() })
    say(name)
  }
  const { lost, ...counts } = await clients.stop()
  const outcome: Outcome = {
    ...counts,
    steps: done.map(({ name, from, until, back }) => {
      const ofStep = lost.filter(({ at }) => at >= from && at < until)
      const twice = (kind: ClientKind) => [kind, ofStep.filter((each) => each.twice && each.by === kind).length]
      const lostTwice = Object.fromEntries(clientKinds.map(twice)) as StepOutcome['lostTwice']
      return { name, seconds: (until - from) / 1000, lostOnce: ofStep.length, lostTwice, back }
    }),
    exits: lab.kubelet.exits,
  }
  process.stdout.write(`${JSON.stringify(outcome)}\n`)
} catch (error) {
  say(`${controllers.ended() ?? ''}${proxy.ended() ?? ''}`)
  for (const [pod, output] of Object.entries(lab.kubelet.output())) say(`${pod}:\n${output}`)
  throw error
} finally {
  await lab.kubelet.stop()
  await controllers.stop()
  await plane.stop()
}
process.exit()
