/** A real etcd in a folder of its own, filled through its JSON gateway. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from './api-server/certificates.ts'
import { peer } from './peers.ts'
import { freePort } from './ports.ts'
import { tied } from './tied.ts'
import { until } from './until.ts'

export interface Etcd {
  readonly url: string
  /** Its files, with `ca.pem`, `client.pem` and `client.key` where it is `secure`. */
  readonly folder: string
  put(key: string, value: string | object, lease?: string): Promise<void>
  remove(key: string): Promise<void>
  /** A lease of so many seconds. */
  grant(seconds: number): Promise<string>
  /** The keys and revisions of before are forgotten. */
  compact(): Promise<void>
  /** A user of this name and password may read everything; nobody else anything. */
  requireUser(name: string, password: string): Promise<void>
  kill(): Promise<void>
  /** Runs it again on its data, or on none. */
  start(data?: 'kept' | 'empty'): Promise<void>
  stop(): Promise<void>
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** `secure`: TLS, and clients must have a certificate. It is filled over a second, plain listener then. */
export async function startEtcd({ secure = false } = {}): Promise<Etcd> {
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-etcd-'))
  const [port, peerPort, plainPort] = await Promise.all([freePort(), freePort(), freePort()])
  const plain = `http://127.0.0.1:${secure ? plainPort : port}`
  const url = secure ? `https://127.0.0.1:${port}` : plain
  if (secure) writeCertificates(folder)
  let child: ChildProcess | undefined
  let token = ''
  let runs = 0
  let data = join(folder, 'data-0')

  async function call(path: string, body: object): Promise<Record<string, unknown>> {
    const headers = token === '' ? {} : { authorization: token }
    const response = await fetch(`${plain}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
    if (!response.ok) throw new Error(`etcd ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }

  async function end(): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  const etcd: Etcd = {
    url,
    folder,
    async put(key, value, lease = '0') {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      await call('/v3/kv/put', { key: base64(key), value: base64(text), lease })
    },
    async remove(key) {
      await call('/v3/kv/deleterange', { key: base64(key) })
    },
    async grant(seconds) {
      return String((await call('/v3/lease/grant', { TTL: seconds })).ID)
    },
    async compact() {
      const { header } = await call('/v3/kv/range', { key: base64('/'), count_only: true })
      await call('/v3/kv/compaction', { revision: (header as { revision: string }).revision, physical: true })
    },
    async requireUser(name, password) {
      const everything = { permType: 'READWRITE', key: base64('\0'), range_end: base64('\0') }
      await call('/v3/auth/user/add', { name: 'root', password })
      await call('/v3/auth/user/grant', { user: 'root', role: 'root' })
      await call('/v3/auth/role/add', { name: 'all' })
      await call('/v3/auth/role/grant', { name: 'all', perm: everything })
      await call('/v3/auth/user/add', { name, password })
      await call('/v3/auth/user/grant', { user: name, role: 'all' })
      await call('/v3/auth/enable', {})
      token = String((await call('/v3/auth/authenticate', { name: 'root', password })).token)
    },
    kill: end,
    async start(what = 'kept') {
      if (what === 'empty') data = join(folder, `data-${++runs}`)
      const listen = [url, ...(secure ? [plain] : [])].join(',')
      const security = secure
        ? ['cert-file=server.pem', 'key-file=server.key', 'trusted-ca-file=ca.pem'].map((flag) =>
            flag.replace(/^(.*)=/, `--$1=${folder}/`),
          )
        : []
      const [program, ...args] = tied([
        peer('etcd') as string,
        `--data-dir=${data}`,
        `--listen-client-urls=${listen}`,
        `--advertise-client-urls=${url}`,
        `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
        ...(secure ? [...security, '--client-cert-auth'] : []),
        '--unsafe-no-fsync',
        '--log-level=error',
      ])
      child = spawn(program, args, { stdio: 'ignore' })
      await until(async () => {
        if (!(await fetch(`${plain}/health`)).ok) throw new Error('etcd is not healthy yet')
      })
    },
    async stop() {
      await end()
      rmSync(folder, { recursive: true })
    },
  }
  await etcd.start()
  return etcd
}

function writeCertificates(folder: string): void {
  const authority = createAuthority()
  writeFileSync(join(folder, 'ca.pem'), authority.cert)
  for (const name of ['server', 'client']) {
    const { cert, key } = authority.issue({ commonName: name })
    writeFileSync(join(folder, `${name}.pem`), cert)
    writeFileSync(join(folder, `${name}.key`), key)
  }
}
