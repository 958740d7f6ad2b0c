/**
 * A container as the kubelet has it made from a Deployment: what the container runtime interface turns securityContext,
 * resources and volumes into, for runc.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { KubernetesObject } from '../../manifests/objects.ts'
import { peer } from '../peers.ts'
import { until } from '../until.ts'
import type { ImageConfig } from './layout.ts'

export interface Pod {
  /** Of the container's first process, as the host counts. */
  readonly pid: number
  readonly output: () => string
  /** Why waiting for something of it has become pointless. */
  readonly unless: () => string | undefined
  /** `kubectl exec`. */
  exec(command: readonly string[]): { readonly status: number | null; readonly output: string }
  /** Runs a program of the host in the pod's network. */
  inNetwork(command: readonly string[]): string
  readonly exited: Promise<number | null>
  signal(name: string): void
  /** Ends it, whatever state it is in. */
  remove(): void
}

interface PodOptions {
  /** A folder with `rootfs`. */
  readonly bundle: string
  readonly image: ImageConfig
  /** What the Deployment says of its pods: one container. */
  readonly pod: KubernetesObject
  /** The folders of the pod's volumes that are not empty ones, by the volumes' names. */
  readonly volumes: Readonly<Record<string, string>>
  /** What else of the host the container sees, by where. */
  readonly alsoMounted: Readonly<Record<string, string>>
}

export async function startPod({ bundle, image, pod, volumes, alsoMounted }: PodOptions): Promise<Pod> {
  const program = peer('runc')!
  const id = `slicedns-test-${process.pid}`
  const state = join(bundle, 'state')
  mkdirSync(state)
  const run = (...args: readonly string[]) =>
    execFileSync(program, ['--root', state, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const mounts = [
    ...volumeMounts(bundle, pod, volumes),
    ...Object.entries(alsoMounted).map(([destination, source]) => bind(source, destination, 'ro')),
  ]
  const spec = runtimeSpec(id, image, pod, mounts)
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec))

  const child = spawn(program, ['--root', state, 'run', '--bundle', bundle, id], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (octets: Buffer) => (output += octets))
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve))
  const remove = () => {
    if (running(child)) spawnSync(program, ['--root', state, 'delete', '--force', id])
    if (running(child)) child.kill('SIGKILL')
  }
  const unless = () => (running(child) ? undefined : `the container has ended: ${output}`)
  try {
    const pid = await until(
      () => {
        const { pid, status } = JSON.parse(run('state', id))
        assert.equal(status, 'running')
        return pid as number
      },
      { unless },
    )
    const inNetwork = (command: readonly string[]) =>
      execFileSync(peer('nsenter')!, ['-t', String(pid), '-n', ...command], { encoding: 'utf8', stdio: 'pipe' })
    inNetwork([peer('ip')!, 'link', 'set', 'lo', 'up'])
    return {
      pid,
      output: () => output,
      unless,
      inNetwork,
      exec(command) {
        const file = join(bundle, 'exec.json')
        writeFileSync(file, JSON.stringify({ ...spec.process, args: command }))
        const { status, stdout, stderr } = spawnSync(program, ['--root', state, 'exec', '--process', file, id], {
          encoding: 'utf8',
        })
        return { status, output: stdout + stderr }
      },
      exited,
      signal: (name) => run('kill', id, name),
      remove,
    }
  } catch (error) {
    remove()
    throw error
  }
}

const running = (child: ChildProcess): boolean => child.exitCode === null && child.signalCode === null

interface Mount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

const bind = (source: string, destination: string, access: 'ro' | 'rw'): Mount => ({
  destination,
  type: 'bind',
  source,
  options: ['rbind', access],
})

function volumeMounts(bundle: string, pod: KubernetesObject, folders: Readonly<Record<string, string>>): Mount[] {
  const { volumeMounts } = pod.containers[0]
  return volumeMounts.map((mount: { name: string; mountPath: string; readOnly?: boolean }) => {
    const volume = pod.volumes.find(({ name }: { name: string }) => name === mount.name)
    const folder = folders[mount.name] ?? join(bundle, `volume-${mount.name}`)
    if (folders[mount.name] === undefined) {
      assert.ok(volume.emptyDir, `the volume ${mount.name} has no folder here`)
      mkdirSync(folder)
      // As the kubelet does for a group of the pod's.
      chownSync(folder, 0, pod.securityContext.fsGroup)
      chmodSync(folder, 0o2775)
    }
    return bind(folder, mount.mountPath, mount.readOnly ? 'ro' : 'rw')
  })
}

/** https://github.com/opencontainers/runtime-spec/blob/v1.0.2/config.md, as containerd fills it in. */
function runtimeSpec(id: string, image: ImageConfig, pod: KubernetesObject, mounts: readonly Mount[]) {
  const [container] = pod.containers
  const security = container.securityContext
  const capabilities = capabilitiesOf(security.capabilities)
  assert.equal(security.runAsNonRoot, true)
  assert.match(image.config.User, /^[1-9]\d*:/, 'the kubelet refuses a name, and root, where runAsNonRoot is set')
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: {
        uid: security.runAsUser,
        gid: security.runAsGroup,
        ...(pod.securityContext?.fsGroup && { additionalGids: [pod.securityContext.fsGroup] }),
      },
      args: [...image.config.Entrypoint, ...container.args],
      env: image.config.Env,
      cwd: image.config.WorkingDir,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: !security.allowPrivilegeEscalation,
    },
    root: { path: 'rootfs', readonly: security.readOnlyRootFilesystem },
    hostname: 'slicedns',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755'] },
      { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
      {
        destination: '/sys/fs/cgroup',
        type: 'cgroup',
        source: 'cgroup',
        options: ['nosuid', 'noexec', 'nodev', 'relatime', 'ro'],
      },
      ...mounts,
    ],
    linux: {
      namespaces: ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type })),
      cgroupsPath: `/${id}`,
      resources: { memory: { limit: octets(container.resources.limits.memory) } },
      seccomp: seccompOf(security.seccompProfile.type, capabilities),
      maskedPaths: ['/proc/kcore', '/proc/keys', '/proc/timer_list', '/sys/firmware'],
      readonlyPaths: ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'],
    },
  }
}

function capabilitiesOf({ drop, add }: { drop: readonly string[]; add: readonly string[] }): string[] {
  assert.deepEqual(drop, ['ALL'])
  return add.map((name) => `CAP_${name}`)
}

function octets(quantity: string): number {
  const [, count] = /^(\d+)Mi$/.exec(quantity) ?? []
  assert.ok(count, quantity)
  return Number(count) * 2 ** 20
}

interface SeccompRule {
  readonly names: readonly string[]
  readonly action: string
  readonly args?: readonly object[] | null
  readonly errnoRet?: number
  readonly includes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
  readonly excludes?: { readonly caps?: readonly string[]; readonly arches?: readonly string[] }
}

/** The profile that container engines have as their default. Debian ships it with skopeo. */
function seccompOf(type: string, capabilities: readonly string[]): object {
  assert.equal(type, 'RuntimeDefault')
  const profile = JSON.parse(readFileSync('/usr/share/containers/seccomp.json', 'utf8'))
  const arch = process.arch === 'x64' ? 'amd64' : process.arch
  const applies = ({ includes, excludes }: SeccompRule): boolean =>
    (includes?.caps ?? []).every((name) => capabilities.includes(name)) &&
    (includes?.arches?.includes(arch) ?? true) &&
    !excludes?.caps?.some((name) => capabilities.includes(name)) &&
    !excludes?.arches?.includes(arch)
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: [process.arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'],
    syscalls: (profile.syscalls as SeccompRule[]).filter(applies).map(({ names, action, args, errnoRet }) => ({
      names,
      action,
      ...(args && { args }),
      ...(errnoRet !== undefined && { errnoRet }),
    })),
  }
}
