/**
 * As much of a kubelet as a DNS server's pod needs: each pod that is scheduled to the node gets a network namespace and a process
 * there, with the ConfigMap and the account's token that it mounts. Its readiness probe decides whether it is ready, at the pace of
 * the manifest; what ends is started again, what is deleted gets SIGTERM and, after its grace period, SIGKILL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ApiObject } from '../api-client.ts'
import type { ControlPlane } from '../control-plane.ts'
import { peer } from '../peers.ts'
import { builtServer, runtime } from '../server.ts'
import { tied } from '../tied.ts'
import { createSandbox, nodeAddress, type Sandbox } from './network.ts'

/** Milliseconds after which a kubelet notices that a process has ended: it looks every second. */
const relist = 1000

export interface Kubelet {
  /** Names of the pods whose processes run. */
  running(): readonly string[]
  /** The pod's own address. */
  addressOf(pod: string): string
  /** SIGKILL for the pod's process. */
  kill(pod: string): void
  /** The pod's network is dead from now on: nothing comes, nothing goes, nobody hears of it. */
  cut(pod: string): void
  /** Exit codes and signals of the processes that have ended because their pods were deleted. */
  readonly exits: readonly string[]
  /** What the processes have printed, by pod. */
  output(): Readonly<Record<string, string>>
  stop(): Promise<void>
}

interface Pod {
  readonly object: ApiObject
  readonly sandbox: Sandbox
  readonly folder: string
  process: ChildProcess
  output: string
  ready: boolean
  ending: boolean
}

export async function startKubelet(plane: ControlPlane, node: string): Promise<Kubelet> {
  const pods = new Map<string, Pod>()
  const exits: string[] = []
  let stopped = false

  const path = ({ metadata }: ApiObject): string => `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`

  async function report(pod: Pod, ready: boolean): Promise<void> {
    pod.ready = ready
    const { address } = pod.sandbox
    const condition = (type: string, status: boolean) => ({ type, status: status ? 'True' : 'False' })
    await plane
      .request('PATCH', `${path(pod.object)}/status`, {
        status: {
          phase: 'Running',
          hostIP: nodeAddress,
          podIP: address,
          podIPs: [{ ip: address }],
          conditions: [condition('Initialized', true), condition('ContainersReady', ready), condition('Ready', ready)],
        },
      })
      // The pod may be gone.
      .catch(() => undefined)
  }

  function run(pod: Pod): ChildProcess {
    const [container] = pod.object.spec.containers
    const { folder } = pod
    const command = [...commandOf(container.image), ...(container.args ?? [])]
    const words = tied([
      ...pod.sandbox.inside,
      'unshare',
      '--mount',
      'sh',
      '-c',
      mountsOf(pod.object),
      'sh',
      ...command,
    ])
    const child = spawn(words[0]!, words.slice(1), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        folder,
        KUBERNETES_SERVICE_HOST: nodeAddress,
        KUBERNETES_SERVICE_PORT: new URL(plane.url).port,
      },
    })
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        pod.output = (pod.output + chunk).slice(-5000)
      })
    child.on('exit', (code, signal) => {
      if (!stopped) void ended(pod, signal ?? `exit code ${code}`)
    })
    return child
  }

  async function ended(pod: Pod, how: string): Promise<void> {
    if (pod.ending) {
      exits.push(how)
      await pod.sandbox.remove()
      pods.delete(pod.object.metadata.name)
      await plane.request('DELETE', `${path(pod.object)}?gracePeriodSeconds=0`).catch(() => undefined)
      return
    }
    await delay(relist)
    await report(pod, false)
    if (!pod.ending && !stopped) pod.process = run(pod)
  }

  async function start(object: ApiObject): Promise<void> {
    const { name } = object.metadata
    const folder = mkdtempSync(join(plane.folder, 'pod-'))
    await writeVolumes(plane, object, folder)
    const sandbox = await createSandbox()
    const pod: Pod = { object, sandbox, folder, output: '', ready: false, ending: false, process: undefined as never }
    pods.set(name, pod)
    pod.process = run(pod)
    await report(pod, false)
    void probe(pod)
  }

  async function probe(pod: Pod): Promise<void> {
    const {
      httpGet,
      periodSeconds = 10,
      timeoutSeconds = 1,
      failureThreshold = 3,
    } = pod.object.spec.containers[0].readinessProbe
    const url = `http://${pod.sandbox.address}:${httpGet.port}${httpGet.path}`
    let failures = 0
    while (pods.get(pod.object.metadata.name) === pod && !stopped) {
      const begun = performance.now()
      const well = await fetch(url, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(timeoutSeconds * 1000),
      }).then(
        ({ ok }) => ok,
        () => false,
      )
      failures = well ? 0 : failures + 1
      const passes: boolean = well || (pod.ready && failures < failureThreshold)
      if (passes !== pod.ready) await report(pod, passes)
      await delay(Math.max(0, begun + periodSeconds * 1000 - performance.now()))
    }
  }

  function end(pod: Pod): void {
    if (pod.ending) return
    pod.ending = true
    pod.process.kill('SIGTERM')
    const grace = pod.object.spec.terminationGracePeriodSeconds * 1000
    setTimeout(() => pod.process.kill('SIGKILL'), grace).unref()
  }

  function take(object: ApiObject): void {
    const { name, deletionTimestamp } = object.metadata
    const pod = pods.get(name)
    if (deletionTimestamp !== undefined) {
      if (pod) end(pod)
    } else if (!pod && !starting.has(name)) {
      starting.add(name)
      start(object).catch((error: unknown) => console.error(error))
    }
  }

  const starting = new Set<string>()
  const list = `/api/v1/pods?fieldSelector=spec.nodeName%3D${node}`
  const { items, metadata } = await plane.request('GET', list)
  const watch = await plane.watch(`${list}&resourceVersion=${metadata.resourceVersion}`)
  watch.each(({ type, object }) => {
    if (type !== 'DELETED') take(object)
  })
  for (const object of items) take(object)
  const podOf = (name: string): Pod => {
    const pod = pods.get(name)
    if (!pod) throw new Error(`no pod ${name}: there are ${[...pods.keys()].join(', ')}`)
    return pod
  }
  return {
    running: () => [...pods.keys()],
    addressOf: (name) => podOf(name).sandbox.address,
    kill: (name) => void podOf(name).process.kill('SIGKILL'),
    cut: (name) => podOf(name).sandbox.cut(),
    exits,
    output: () => Object.fromEntries([...pods].map(([name, { output }]) => [name, output])),
    async stop() {
      stopped = true
      watch.close()
      for (const pod of pods.values()) {
        pod.process.kill('SIGKILL')
        await pod.sandbox.remove()
      }
    },
  }
}

/** The images that pods of these tests name, and the programs that are in them. */
function commandOf(image: string): readonly string[] {
  if (/(^|\/)coredns:/.test(image)) return [peer('coredns')!]
  if (/(^|\/)slicedns:/.test(image)) return [runtime, builtServer]
  throw new Error(`nobody knows the image ${image}`)
}

/**
 * In the container's mount namespace: its account, its ConfigMap where DNS servers have it, the node's resolver, and the folders
 * that outlive the container.
 */
const mountsOf = (pod: ApiObject): string => `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
cp -r "$folder/account" /run/secrets/kubernetes.io/serviceaccount
mount --bind "$folder/config" /etc/coredns
mount --bind "$folder/resolv.conf" /etc/resolv.conf
mount -t tmpfs tmpfs /var/lib
${emptyFolders(pod)
  .map(({ name, mountPath }) => `mkdir -p "${mountPath}"\nmount --bind "$folder/${name}" "${mountPath}"`)
  .join('\n')}
exec "$@"`

/** The volumes of the kind emptyDir, and where they are mounted. */
function emptyFolders({ spec }: ApiObject): readonly { readonly name: string; readonly mountPath: string }[] {
  const names = spec.volumes
    .filter(({ emptyDir }: ApiObject) => emptyDir !== undefined)
    .map(({ name }: ApiObject) => name)
  return spec.containers[0].volumeMounts.filter(({ name }: ApiObject) => names.includes(name))
}

async function writeVolumes(plane: ControlPlane, { metadata, spec }: ApiObject, folder: string): Promise<void> {
  const { namespace } = metadata
  mkdirSync(join(folder, 'account'))
  mkdirSync(join(folder, 'config'))
  for (const { name } of emptyFolders({ spec })) mkdirSync(join(folder, name))
  const volume = spec.volumes.find(({ configMap }: ApiObject) => configMap !== undefined)
  const { data } = await plane.request('GET', `/api/v1/namespaces/${namespace}/configmaps/${volume.configMap.name}`)
  const token = await plane.serviceAccountToken(namespace, spec.serviceAccountName)
  const ca = await plane.request('GET', `/api/v1/namespaces/${namespace}/configmaps/kube-root-ca.crt`)
  for (const [file, text] of [
    ['config/Corefile', data.Corefile],
    ['account/token', token],
    ['account/ca.crt', ca.data['ca.crt']],
    ['resolv.conf', `nameserver ${nodeAddress}\n`],
  ])
    writeFileSync(join(folder, file), text)
}

/** `/etc` of this mount namespace becomes a copy, in which there is a place for the Corefile. */
export function prepareMounts(run: (command: readonly string[]) => void): void {
  run(['mount', '-t', 'tmpfs', 'tmpfs', '/run'])
  run([
    'sh',
    '-c',
    'cp -r /etc /run/etc 2>/dev/null; mount --bind /run/etc /etc; mkdir -p /etc/coredns; touch /etc/resolv.conf',
  ])
}
