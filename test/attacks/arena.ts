/**
 * Where an attack is run: the built server, or CoreDNS, inside a memory cgroup of the default pod's size, with an API
 * server and an upstream that the attack may fill, and a judge who asks as a bystander all the while.
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { type ApiServer, type KubeObject, startApiServer } from '../support/api-server/index.ts'
import { type CertificateFolder, certificateFolder } from '../support/certificates.ts'
import { dig } from '../support/dig.ts'
import { type Ports, type RunningServer, startServer, untilReady } from '../support/server.ts'
import { until } from '../support/until.ts'
import { type Judge, type Seen, seen, startJudge } from './judge.ts'
import { type Kind, now } from './look.ts'
import { createMemoryCgroup, type MemoryCgroup } from './memory-cgroup.ts'
import { service } from './objects.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { normalTimes } from './verdict.ts'

const mebibyte = 2 ** 20

/** The limit of CoreDNS's pod in kubeadm's manifests. */
export const podMemory = 170 * mebibyte

export interface Arena {
  readonly server: RunningServer
  readonly ports: Ports
  readonly api: ApiServer
  readonly upstream: Upstream
}

export interface Attack {
  /** The number in the security review; 20: more load than the server can take; from 23 on: found later. */
  readonly finding: number
  readonly title: string
  /** Objects in the cluster before the server starts. */
  readonly objects?: () => readonly KubeObject[]
  /** Lines for the `kubernetes` block, and for the server block. */
  readonly kubernetes?: string
  readonly block?: string | ((ports: Ports) => string)
  /** It serves `https://` at the port `other`, too. */
  readonly secure?: true
  /** RLIMIT_NOFILE of the server. */
  readonly descriptors?: number
  /** The attack itself; resolves when it is over. What it asserts holds for slicedns only. */
  readonly run: (arena: Arena) => Promise<void>
  /** Also asserted after the attack. */
  readonly after?: (arena: Arena) => Promise<void>
  /** Kinds that the attack itself takes away from everybody by design, such as TCP connections over the limit. */
  readonly spares?: readonly Kind[]
  /** The attack has no meaning for CoreDNS. */
  readonly onlySlicedns?: true
}

/** A server under attack. */
export interface Contender {
  readonly name: string
  /** Undefined: the built server. */
  readonly command: readonly string[] | undefined
}

export interface Report {
  /** Why the process ended during the attack; undefined: it did not. */
  readonly died: string | undefined
  /** MiB. */
  readonly residentPeak: number
  readonly cgroupPeak: number
  /** From the beginning of the attack to the end of the second below. */
  readonly during: Readonly<Record<Kind, Seen>>
  /** In a second that begins two seconds after the attack at the latest, as soon as all is normal. */
  readonly after: Readonly<Record<Kind, Seen>>
  /** Seconds from SIGTERM to the end; undefined: it had to be killed. */
  readonly shutdown: number | undefined
  /** What the attack or its aftermath found wrong. */
  readonly failure: string | undefined
  readonly output: string
}

/** Milliseconds after the attack until everything must be normal again. */
const recovery = 2_000
/** Milliseconds for which that is then watched. */
const watched = 1_000

const table = 'web.shop.svc.cluster.local'
const chain = '10-1-2-3.shop.pod.cluster.local'

let runs = 0

/** Fails when this machine lets no cgroup be made. */
export async function runAttack(attack: Attack, contender: Contender): Promise<Report> {
  const cgroup = createMemoryCgroup(podMemory)
  if ('refused' in cgroup) throw new Error(`no memory cgroup can be made: ${cgroup.refused}`)
  // The test API server's protobuf has fields that only slicedns skips.
  const api = await startApiServer({ protobuf: contender.command === undefined })
  const upstream = await startUpstream()
  const certificates = certificateFolder()
  api.put({ kind: 'Namespace', metadata: { name: 'shop' } }, service('shop', 'web', { clusterIP: '10.96.0.10' }))
  api.put(...(attack.objects?.() ?? []))
  let server: RunningServer | undefined
  try {
    server = await startInside(cgroup, attack, contender, { api, upstream, certificates })
    return await watchAttack(attack, { server, ports: server.ports, api, upstream }, cgroup)
  } finally {
    await server?.stop('SIGKILL')
    await api.stop()
    await upstream.close()
    certificates.remove()
    await until(() => cgroup.remove(), { within: 5_000 })
  }
}

interface Surroundings {
  readonly api: ApiServer
  readonly upstream: Upstream
  readonly certificates: CertificateFolder
}

async function startInside(
  cgroup: MemoryCgroup,
  attack: Attack,
  contender: Contender,
  surroundings: Surroundings,
): Promise<RunningServer> {
  const { descriptors } = attack
  const limited = descriptors === undefined ? [] : ['sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh']
  const server = await startServer({
    corefile: corefileOf(attack, surroundings),
    under: [...cgroup.under, ...limited],
    waitFor: 'nothing',
    ...(contender.command && { command: contender.command }),
  })
  try {
    await untilReady(server)
    await until(async () => {
      const { answer } = await dig(table, 'A', { port: server.ports.dns })
      if (answer.length !== 1) throw new Error('the cluster is not served yet')
    })
    return server
  } catch (error) {
    await server.stop('SIGKILL')
    throw error
  }
}

/** The Corefile of kubeadm, on loopback and without the wait for lameduck. */
const corefileOf =
  ({ kubernetes = '', block = '', secure }: Attack, { api, upstream, certificates }: Surroundings) =>
  (ports: Ports): string => {
    const { dns, health, ready, metrics, other } = ports
    return `.:${dns} {
    bind 127.0.0.1
    errors
    health 127.0.0.1:${health}
    ready 127.0.0.1:${ready}
    prometheus 127.0.0.1:${metrics}
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig ${api.kubeconfig()} test
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
        ${kubernetes}
    }
    forward . ${upstream.to} {
        max_concurrent 1000
    }
    cache 30 {
        disable success cluster.local
        disable denial cluster.local
    }
    loadbalance
    ${typeof block === 'function' ? block(ports) : block}
}
chained.test:${dns} {
    bind 127.0.0.1
    errors
    forward . ${upstream.to} {
        # Keeps them from the relay.
        failover NXDOMAIN
    }
}
stream.test:${dns} {
    bind 127.0.0.1
    errors
    forward . ${upstream.to} {
        force_tcp
    }
}
${secure ? secureBlock(other, api, certificates) : ''}
`
  }

function secureBlock(port: number, api: ApiServer, certificates: CertificateFolder): string {
  certificates.issue('server')
  return `https://.:${port} {
    bind 127.0.0.1
    tls ${certificates.path}/server.pem ${certificates.path}/server.key
    kubernetes cluster.local {
        kubeconfig ${api.kubeconfig()} test
    }
}`
}

async function watchAttack(attack: Attack, arena: Arena, cgroup: MemoryCgroup): Promise<Report> {
  const { server, ports } = arena
  const { pid } = server
  let residentPeak = 0
  const sample = () => {
    residentPeak = Math.max(residentPeak, highWaterMark(pid))
  }
  const sampling = setInterval(sample, 50)
  const judge: Judge = startJudge({
    dns: ports.dns,
    health: ports.health,
    table,
    chain,
    forwarded: 'good.test',
    from: '127.0.0.2',
    every: 50,
    patience: 5_000,
    run: ++runs,
    normal: normalTimes(),
    recovery,
    watched,
  })
  let failure: string | undefined
  const began = now()
  try {
    // An attack on a server that is no more has no end of its own.
    await Promise.race([attack.run(arena), server.exited])
  } catch (error) {
    failure = text(error)
  }
  const { looks, normalFrom } = await judge.over()
  try {
    if (server.process.exitCode === null) await attack.after?.(arena)
  } catch (error) {
    failure ??= text(error)
  }
  sample()
  clearInterval(sampling)
  const gone = server.process.exitCode !== null || server.process.signalCode !== null
  const kills = cgroup.kills()
  const died = kills > 0 ? 'killed by the kernel for memory' : gone ? `gone (${howEnded(server)})` : undefined
  return {
    died,
    residentPeak,
    cgroupPeak: cgroup.peak() / mebibyte,
    during: seen(looks, began, normalFrom + watched),
    after: seen(looks, normalFrom, normalFrom + watched),
    shutdown: gone ? undefined : await terminate(server),
    failure,
    output: server.output(),
  }
}

function howEnded({ process: { exitCode, signalCode } }: RunningServer): string {
  return signalCode ?? `exit code ${exitCode}`
}

/** Seconds from SIGTERM to the end, or undefined after 30. */
async function terminate(server: RunningServer): Promise<number | undefined> {
  const began = now()
  server.signal('SIGTERM')
  const exit = await Promise.race([server.exited, delay(30_000, undefined, { ref: false })])
  return exit === undefined ? undefined : (now() - began) / 1000
}

/** The most resident memory so far, in MiB; 0 when the process is gone. */
function highWaterMark(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
