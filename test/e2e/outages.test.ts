/** The cluster cannot be reached from the start: the message says why, other zones are served, cluster names SERVFAIL. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { without } from '../support/peers.ts'
import { freePort } from '../support/ports.ts'
import { until } from '../support/until.ts'
import { startCluster, type TestCluster } from './cluster.ts'

const skip = without(...controlPlanePrograms, 'dig', 'openssl')

let cluster: TestCluster

before(async () => {
  if (!skip) cluster = await startCluster()
})

after(() => cluster?.stop())

interface Outage {
  readonly name: string
  readonly kubeconfig: () => string | Promise<string>
  /** What must be in one log line, beside the kubeconfig's or the API server's name. */
  readonly says: RegExp
}

const outages: readonly Outage[] = [
  {
    name: 'a kubeconfig that does not exist',
    kubeconfig: () => join(cluster.folder, 'nowhere'),
    says: /\/nowhere.*(ENOENT|no such file)/i,
  },
  {
    name: 'a kubeconfig that is no YAML',
    kubeconfig: () => fileWith('broken', 'clusters: [\n'),
    says: /\/broken/,
  },
  {
    name: 'nobody listens',
    kubeconfig: async () => cluster.kubeconfig(cluster.adminToken, { url: `https://127.0.0.1:${await freePort()}` }),
    says: /https:\/\/127\.0\.0\.1:\d+.*(ECONNREFUSED|refused)/i,
  },
  {
    name: 'a token that the API server does not know',
    kubeconfig: () => cluster.kubeconfig('wrong'),
    says: /https:\/\/127\.0\.0\.1:\d+.*(401|Unauthorized)/i,
  },
  {
    name: 'a certificate of another authority',
    kubeconfig: () => cluster.kubeconfig(cluster.adminToken, { certificateAuthority: otherAuthority() }),
    says: /https:\/\/127\.0\.0\.1:\d+.*certificate/i,
  },
]

for (const { name, kubeconfig, says } of outages) {
  test(`${name}: said with its cause, other zones served, SERVFAIL for cluster names`, { skip }, async (t) => {
    const server = await cluster.serve({ kubeconfig: await kubeconfig(), waitFor: 'banner' })
    t.after(() => server.stop())
    await server.printed(new RegExp(`\\[(WARNING|ERROR)\\] plugin/kubernetes: .*${says.source}`, says.flags))
    await until(async () => assert.equal((await server.dig('www.example.org', 'A')).answer.length, 1))
    const reply = await server.dig('kubernetes.default.svc.cluster.local', 'A')
    assert.equal(reply.rcode, 'SERVFAIL')
    assert.equal((await server.http('ready', '/ready')).status, 503)
    assert.equal((await server.http('health', '/health')).status, 200)
    assert.deepEqual(await server.stop(), { code: 0, signal: null })
  })
}

function fileWith(name: string, text: string): string {
  const path = join(cluster.folder, name)
  writeFileSync(path, text)
  return path
}

/** A certificate that is somebody's, but not the API server's issuer: the kubeconfig names the wrong file. */
function otherAuthority(): string {
  const [key, certificate] = ['other.key', 'other.crt'].map((name) => join(cluster.folder, name)) as [string, string]
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-noenc',
    '-days',
    '1',
    '-subj',
    '/CN=other',
  ]
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate], { stdio: 'ignore' })
  return certificate
}
