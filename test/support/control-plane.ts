/**
 * A real control plane on loopback: etcd and kube-apiserver with TLS, tokens and RBAC. No kubelet, no controllers:
 * EndpointSlices are what a test writes. Peers as of test/support/peers/build.sh.
 */
import { generateKeyPairSync } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApiObject, openWatch, type Reply, sendRequest, type Watch } from './api-client.ts'
import { type PeerProgram, startPeer } from './peer-program.ts'
import { freePort } from './ports.ts'
import { until } from './until.ts'

export type { ApiObject, Watch }

export interface ControlPlane {
  readonly folder: string
  readonly url: string
  /** PEM file that verifies the API server's certificate. */
  readonly certificateAuthority: string
  readonly adminToken: string
  /** As cluster admin; rejects unless the status is 2xx. PATCH is a JSON merge patch, APPLY a server-side apply. */
  request(method: string, path: string, body?: object): Promise<ApiObject>
  /** The same with whatever token, and whatever status comes back. */
  requestAs(token: string, method: string, path: string, body?: object): Promise<Reply>
  watch(path: string): Promise<Watch>
  serviceAccountToken(namespace: string, name: string): Promise<string>
  /** Writes a kubeconfig and gives its path. */
  kubeconfig(token: string, changes?: { readonly url?: string; readonly certificateAuthority?: string }): string
  /** SIGKILL for the API server; etcd stays. */
  kill(): Promise<void>
  /** SIGSTOP for the API server: connections stay open, and nothing comes any more. `thaw` lets it go on. */
  freeze(): void
  thaw(): void
  /** Starts the API server again on the same port with the same keys, and waits until it is ready. */
  startAgain(): Promise<void>
  /** While the API server is away: the cluster that it will find has no object yet, behind the same URL and certificate. */
  emptyEtcd(): Promise<void>
  /** Forgets all history in etcd: a watch from an older resourceVersion gets 410 once the API server has restarted. */
  compact(): Promise<void>
  /** Verb and resource of each request of this user, from the audit log. */
  calls(user: string): readonly { readonly verb: string; readonly resource: string; readonly group: string }[]
  stop(): Promise<void>
}

export const controlPlanePrograms = ['etcd', 'kube-apiserver'] as const

export interface ControlPlaneOptions {
  /** For taskset: keeps the control plane off the core of a server under measurement. */
  readonly cores?: string
  /** Where the API server listens; default: loopback. */
  readonly address?: string
}

/** A file of the control plane's folder: the private key of service account tokens. */
export const accountKey = 'account.key'

export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-control-plane-'))
  const [etcdPort, etcdPeerPort, apiPort] = await Promise.all([freePort(), freePort(), freePort()])
  const etcdUrl = `http://127.0.0.1:${etcdPort}`
  const { address = '127.0.0.1' } = options
  const url = `https://${address}:${apiPort}`
  const adminToken = 'test-admin'
  const file = (name: string) => join(folder, name)
  writeFileSync(file('tokens.csv'), `${adminToken},admin,admin,system:masters\n`)
  writeFileSync(file('audit.yaml'), auditPolicy)
  writeKeyPair(file(accountKey), file('account.pub'))
  const run = (name: string, flags: readonly string[]): PeerProgram => startPeer(name, flags, { folder, ...options })

  const startEtcd = () =>
    run('etcd', [
      `--data-dir=${file('etcd')}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=http://127.0.0.1:${etcdPeerPort}`,
      '--unsafe-no-fsync',
      '--log-level=error',
    ])
  let etcd = startEtcd()
  const startApiServer = () =>
    run('kube-apiserver', [
      `--etcd-servers=${etcdUrl}`,
      `--bind-address=${address}`,
      `--advertise-address=${address}`,
      `--secure-port=${apiPort}`,
      `--cert-dir=${file('certificates')}`,
      '--service-cluster-ip-range=10.96.0.0/12,fd00:96::/112',
      '--endpoint-reconciler-type=none',
      '--disable-admission-plugins=ServiceAccount,TaintNodesByCondition',
      '--authorization-mode=RBAC',
      `--token-auth-file=${file('tokens.csv')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${file('account.pub')}`,
      `--service-account-signing-key-file=${file(accountKey)}`,
      `--audit-policy-file=${file('audit.yaml')}`,
      `--audit-log-path=${file('audit.log')}`,
      '--shutdown-delay-duration=0s',
    ])
  let apiServer = startApiServer()
  const certificateAuthority = join(folder, 'certificates/apiserver.crt')

  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const send = (token: string, method: string, path: string, body?: object) =>
    sendRequest({ url: `${url}${path}`, method, token, agent, ca: readFileSync(certificateAuthority), body })
  const plane: ControlPlane = {
    folder,
    url,
    certificateAuthority,
    adminToken,
    requestAs: send,
    async request(method, path, body) {
      const reply = await send(adminToken, method, path, body)
      if (reply.status < 200 || reply.status > 299) {
        throw new Error(`${method} ${path}: ${reply.status} ${reply.body.message ?? ''}`)
      }
      return reply.body
    },
    watch: (path) => openWatch(`${url}${path}`, adminToken, readFileSync(certificateAuthority)),
    async serviceAccountToken(namespace, name) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`
      const reply = await plane.request('POST', path, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: {},
      })
      return reply.status.token
    },
    kubeconfig: (token, changes = {}) => writeKubeconfig(folder, { url, certificateAuthority, ...changes }, token),
    async kill() {
      await apiServer.stop('SIGKILL')
      agent.destroy()
    },
    freeze: () => apiServer.signal('SIGSTOP'),
    thaw: () => apiServer.signal('SIGCONT'),
    async startAgain() {
      apiServer = startApiServer()
      await ready()
    },
    async emptyEtcd() {
      await etcd.stop('SIGKILL')
      rmSync(file('etcd'), { recursive: true, force: true })
      etcd = startEtcd()
    },
    compact: () => compactEtcd(etcdUrl),
    calls: (user) => readCalls(file('audit.log'), user),
    async stop() {
      agent.destroy()
      await apiServer.stop('SIGKILL')
      await etcd.stop('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  const ready = () =>
    until(
      async () => {
        const { status } = await send(adminToken, 'GET', '/readyz')
        if (status !== 200) throw new Error(`kube-apiserver's /readyz says ${status}`)
      },
      {
        within: 150_000,
        unless: () => etcd.ended() ?? apiServer.ended(),
      },
    )
  try {
    await ready()
    // Made by the API server itself a moment after it is ready.
    await until(() => plane.request('GET', '/api/v1/namespaces/default'))
    await until(() => plane.request('GET', '/api/v1/namespaces/kube-system'))
    return plane
  } catch (error) {
    await plane.stop()
    throw error
  }
}

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [ResponseStarted, ResponseComplete]
rules:
  - level: Metadata
    userGroups: [system:serviceaccounts]
  - level: None
`

function writeKeyPair(privateFile: string, publicFile: string): void {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(privateFile, privateKey.export({ type: 'pkcs1', format: 'pem' }))
  writeFileSync(publicFile, publicKey.export({ type: 'spki', format: 'pem' }))
}

let kubeconfigs = 0

function writeKubeconfig(
  folder: string,
  cluster: { url: string; certificateAuthority: string },
  token: string,
): string {
  const path = join(folder, `kubeconfig-${++kubeconfigs}`)
  writeFileSync(
    path,
    `apiVersion: v1
kind: Config
clusters:
  - name: test
    cluster:
      server: ${cluster.url}
      certificate-authority: ${cluster.certificateAuthority}
users:
  - name: test
    user:
      token: ${token}
contexts:
  - name: test
    context:
      cluster: test
      user: test
current-context: test
`,
  )
  return path
}

/** etcd's JSON gateway: the current revision comes in the header of any reply. */
async function compactEtcd(url: string): Promise<void> {
  const call = async (path: string, body: object): Promise<ApiObject> => {
    const response = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as ApiObject
  }
  const { header } = await call('/v3/kv/range', { key: Buffer.from('/').toString('base64'), count_only: true })
  await call('/v3/kv/compaction', { revision: header.revision, physical: true })
}

function readCalls(log: string, user: string) {
  if (!existsSync(log)) return []
  return readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ApiObject)
    .filter((event) => event.user.username === user)
    .map(({ verb, objectRef }) => ({ verb, resource: objectRef?.resource ?? '', group: objectRef?.apiGroup ?? '' }))
}
