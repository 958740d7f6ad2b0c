/** Ways to an API server: credentials and their files, proxies, connections that break without a word. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openCredentials } from '../../../src/k8s/api/open-credentials.ts'
import { proxyFromEnvironment } from '../../../src/k8s/api/proxy.ts'
import type { ClusterConfig } from '../../../src/k8s/model/config.ts'
import { createAuthority } from '../../support/api-server/certificates.ts'
import { type ApiServer, type ApiServerOptions, startApiServer } from '../../support/api-server/index.ts'
import { startPipe } from '../../support/api-server/pipe.ts'
import { startConnectProxy, startSocksProxy } from '../../support/api-server/proxies.ts'
import { createFakeClock } from '../../support/fake-clock.ts'
import { freePort } from '../../support/ports.ts'
import { createProjectedVolume } from '../../support/projected-volume.ts'
import { until } from '../../support/until.ts'
import { type ClusterHarness, createClusterHarness, namespace, service, serviceNames } from '../harness.ts'

type After = { after(task: () => unknown): void }

async function serve(t: After, options: ApiServerOptions = {}): Promise<ApiServer> {
  const api = await startApiServer(options)
  t.after(() => api.stop())
  api.put(namespace('shop'), service('web'))
  return api
}

const kubeconfig = (file: string, context = ''): ClusterConfig['source'] => ({ kind: 'kubeconfig', file, context })

async function says(harness: ClusterHarness, pattern: RegExp): Promise<void> {
  await until(() => assert.match(harness.lines.join('\n'), pattern))
}

describe('an API server that cannot be reached', () => {
  test('a kubeconfig that does not exist, until it does', async (t) => {
    const api = await serve(t)
    const file = join(api.folder, 'later')
    const harness = createClusterHarness(t, kubeconfig(file))
    await says(
      harness,
      new RegExp(`ERROR. Kubernetes API: cannot read kubeconfig ${file}: stat ${file}: no such file or directory`),
    )
    assert.equal(harness.view.availability('services'), 'pending')
    writeFileSync(file, readFileSync(api.kubeconfig()))
    await harness.synced()
    await says(harness, /INFO. the Kubernetes API works again/)
  })

  const broken: [string, string, RegExp][] = [
    ['not YAML', '{"a": [', /kubeconfig .*: it does not parse/],
    ['without context', '{"clusters": [], "users": [], "contexts": []}', /it has no current-context/],
    [
      'of another context',
      '{"contexts": [{"name": "prod", "context": {"cluster": "c"}}], "current-context": "test"}',
      /it has no context "test" \(it has: prod\)/,
    ],
    [
      'whose cluster is missing',
      '{"contexts": [{"name": "a", "context": {"cluster": "c"}}], "current-context": "a"}',
      /the cluster of context "a" is missing/,
    ],
  ]
  for (const [what, text, message] of broken) {
    test(`a kubeconfig that fails is reported with its file: ${what}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'slicedns-test-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const file = join(folder, 'kubeconfig')
      writeFileSync(file, text)
      await says(createClusterHarness(t, kubeconfig(file)), message)
    })
  }

  test('a port that refuses', async (t) => {
    const port = await freePort()
    const harness = createClusterHarness(t, { kind: 'endpoint', url: `http://127.0.0.1:${port}` })
    await says(harness, new RegExp(`Kubernetes API: http://127.0.0.1:${port}: connection refused`))
    await until(async () => {
      const errors = await harness.counted('slicedns_kubernetes_watch_errors_total')
      assert.ok(errors['reason=connect,resource=services'] >= 3)
    })
    assert.equal(harness.lines.length, 1, harness.lines.join('\n'))
  })

  test('a host name that does not exist', async (t) => {
    const harness = createClusterHarness(t, { kind: 'endpoint', url: 'https://api.invalid:6443' })
    await says(harness, /https:\/\/api\.invalid:6443: the host name (does not exist|cannot be looked up)/)
  })

  test('a wrong token, until the right one is in its file', async (t) => {
    const api = await serve(t, { token: 'right' })
    const tokenFile = join(api.folder, 'token')
    writeFileSync(tokenFile, 'wrong\n')
    const file = api.kubeconfig({ user: { token: undefined, tokenFile: 'token' } })
    const harness = createClusterHarness(t, kubeconfig(file))
    await says(harness, /Kubernetes API: https:.* does not accept the user of .*kubeconfig-1 \(401 Unauthorized\)/)
    assert.equal(harness.lines.length, 1, harness.lines.join('\n'))
    assert.equal(harness.view.availability('services'), 'pending')
    writeFileSync(tokenFile, 'right\n')
    await harness.synced()
  })

  const certificates: [string, ApiServerOptions['certificate'], RegExp][] = [
    [
      'expired',
      (authority) => authority.issue({ notBefore: new Date(0), notAfter: new Date(86_400_000) }),
      /certificate error: certificate has expired/,
    ],
    [
      'of another host',
      (authority) => authority.issue({ names: ['elsewhere.example'] }),
      /certificate error: .*IP: 127\.0\.0\.1 is not in the cert's list/,
    ],
  ]
  for (const [what, certificate, message] of certificates) {
    test(`a certificate that is ${what}`, async (t) => {
      const api = await serve(t, { certificate: certificate! })
      await says(createClusterHarness(t, kubeconfig(api.kubeconfig())), message)
    })
  }

  test('a certificate of an unknown authority', async (t) => {
    const api = await serve(t)
    const other = await serve(t)
    const file = api.kubeconfig({ cluster: { 'certificate-authority': other.caFile } })
    await says(createClusterHarness(t, kubeconfig(file)), /certificate error: certificate signature failure/)
  })

  test('TLS spoken to a server without', async (t) => {
    const api = await serve(t, { transport: 'http' })
    const harness = createClusterHarness(t, { kind: 'endpoint', url: `https://127.0.0.1:${api.port}` })
    await says(harness, /does the server speak TLS on this port\?/)
  })

  test('a process outside of a cluster reports it once, and retries', async (t) => {
    const harness = createClusterHarness(t, { kind: 'in-cluster' })
    await says(harness, /not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set/)
  })
})

describe('credentials for the API server', () => {
  test('the option endpoint reads a client certificate and a CA from files', async (t) => {
    const api = await serve(t)
    const client = api.authority.issue({ commonName: 'slicedns' })
    const tls = { cert: join(api.folder, 'client.crt'), key: join(api.folder, 'client.key'), ca: api.caFile }
    writeFileSync(tls.cert, client.cert)
    writeFileSync(tls.key, client.key)
    const harness = createClusterHarness(t, { kind: 'endpoint', url: api.url, tls })
    await harness.synced()
  })

  test('a token that is renewed in its file is used by the next request', async (t) => {
    const api = await serve(t, { token: 'first' })
    const tokenFile = join(api.folder, 'token')
    writeFileSync(tokenFile, 'first')
    const harness = createClusterHarness(
      t,
      kubeconfig(api.kubeconfig({ user: { token: undefined, 'token-file': tokenFile } })),
    )
    await harness.synced()
    // A watch that is still being asked for would come with the old token.
    const watches = () => ['services', 'namespaces', 'endpointslices'].map(api.watches)
    await until(() => assert.deepEqual(watches(), [1, 1, 1]))
    writeFileSync(tokenFile, 'second')
    api.token = 'second'
    api.endWatches()
    api.put(service('later'))
    await until(() => assert.deepEqual(serviceNames(harness), ['later', 'web']))
    assert.deepEqual(harness.lines, [])
  })

  for (const transport of ['h2', 'https'] as const) {
    test(`a client certificate that is no longer accepted is replaced by the one in its file, over ${transport}`, async (t) => {
      const api = await serve(t, { transport, clientCertificates: true })
      const first = api.authority.issue()
      const volume = createProjectedVolume(join(api.folder, 'client'), { 'tls.crt': first.cert, 'tls.key': first.key })
      const user = {
        'client-certificate': join(volume.folder, 'tls.crt'),
        'client-key': join(volume.folder, 'tls.key'),
      }
      const harness = createClusterHarness(t, kubeconfig(api.kubeconfig({ user })))
      await harness.synced()
      const watches = () => ['services', 'namespaces', 'endpointslices'].map(api.watches)
      await until(() => assert.deepEqual(watches(), [1, 1, 1]))
      const present = createAuthority('present')
      api.clientAuthority = present
      api.endWatches('services')
      await says(harness, /does not accept the user of .* \(401 Unauthorized\)/)
      // What is under way goes on.
      assert.deepEqual(watches(), [0, 1, 1])
      const fresh = present.issue()
      volume.write({ 'tls.crt': fresh.cert, 'tls.key': fresh.key })
      api.put(service('later'))
      await until(() => assert.deepEqual(serviceNames(harness), ['later', 'web']))
    })
  }

  test('a server certificate of another CA is trusted once the CA file has it, as the kubelet writes it', async (t) => {
    const api = await serve(t)
    const volume = createProjectedVolume(join(api.folder, 'account'), { 'ca.crt': api.authority.cert })
    const cluster = { 'certificate-authority': join(volume.folder, 'ca.crt') }
    const harness = createClusterHarness(t, kubeconfig(api.kubeconfig({ cluster })))
    await harness.synced()
    const authority = createAuthority()
    api.renewCertificate(authority)
    api.kill()
    await api.restart()
    await says(harness, /certificate error: /)
    volume.write({ 'ca.crt': authority.cert })
    api.put(service('later'))
    await until(() => assert.deepEqual(serviceNames(harness), ['later', 'web']))
  })

  test('in-cluster credentials are the CA and the token of the service account, both as they are now', async (t) => {
    const api = await serve(t)
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443', HTTPS_PROXY: 'proxy:3128' }
    const credentials = await openCredentials({ kind: 'in-cluster' }, env, api.folder)
    await assert.rejects(credentials.headers(), /cannot read (.*\/token): open \1: no such file or directory/)
    for (const token of ['one', 'two']) {
      writeFileSync(join(api.folder, 'token'), `${token}\n`)
      assert.deepEqual(await credentials.headers(), { authorization: `Bearer ${token}` })
    }
    const { url, tls, proxy } = await credentials.target()
    assert.deepEqual([url.href, proxy?.href], ['https://[fd00::1]/', 'http://proxy:3128/'])
    assert.equal(tls.ca, api.authority.cert)
  })

  test('an exec plugin is run, and run again when the server no longer accepts what it gave', async (t) => {
    const api = await serve(t, { token: 'one' })
    const tokenFile = join(api.folder, 'token')
    writeFileSync(tokenFile, 'one')
    const plugin = join(api.folder, 'plugin')
    const credential = `{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$(cat ${tokenFile})'"}}`
    writeFileSync(plugin, `#!/bin/sh\necho '${credential}'\n`)
    chmodSync(plugin, 0o755)
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: plugin, interactiveMode: 'Never' }
    const harness = createClusterHarness(t, kubeconfig(api.kubeconfig({ user: { token: undefined, exec } })))
    await harness.synced()
    writeFileSync(tokenFile, 'two')
    api.token = 'two'
    api.endWatches()
    api.put(service('later'))
    await until(() => assert.deepEqual(serviceNames(harness), ['later', 'web']))
  })

  test('an exec plugin that fails is named', async (t) => {
    const api = await serve(t)
    const exec = { apiVersion: 'client.authentication.k8s.io/v1', command: '/nonexistent/plugin' }
    const harness = createClusterHarness(t, kubeconfig(api.kubeconfig({ user: { exec } })))
    await says(harness, /kubeconfig .*: cannot get credentials: spawn \/nonexistent\/plugin: no such file or directory/)
  })

  test('tls-server-name is what the certificate must name', async (t) => {
    const api = await serve(t, { certificate: (authority) => authority.issue({ names: ['kubernetes.default'] }) })
    const file = api.kubeconfig({ cluster: { 'tls-server-name': 'kubernetes.default' } })
    await createClusterHarness(t, kubeconfig(file)).synced()
  })

  test('insecure-skip-tls-verify takes any certificate', async (t) => {
    const api = await serve(t, { certificate: (authority) => authority.issue({ names: ['elsewhere.example'] }) })
    const file = api.kubeconfig({ cluster: { 'certificate-authority': undefined, 'insecure-skip-tls-verify': true } })
    await createClusterHarness(t, kubeconfig(file)).synced()
  })

  test('a kubeconfig may name an http:// server', async (t) => {
    const api = await serve(t, { transport: 'http' })
    await createClusterHarness(t, kubeconfig(api.kubeconfig())).synced()
  })

  test('an API below a path of its server', async (t) => {
    const api = await serve(t)
    const harness = createClusterHarness(
      t,
      kubeconfig(api.kubeconfig({ cluster: { server: `${api.url}/k8s/clusters/c-1` } })),
    )
    await until(() => assert.ok(api.requests.some(({ resource }) => resource.startsWith('/k8s/clusters/c-1/api/v1/'))))
    await harness.stop()
  })
})

describe('proxies to the API server', () => {
  const cases: [string, () => ReturnType<typeof startConnectProxy>, string][] = [
    ['HTTP CONNECT', () => startConnectProxy(), 'http://'],
    ['HTTP CONNECT with a password', () => startConnectProxy('me:secret'), 'http://me:secret@'],
    ['SOCKS 5', () => startSocksProxy(), 'socks5://'],
    ['SOCKS 5 with a password', () => startSocksProxy('me', 'secret'), 'socks5://me:secret@'],
  ]
  for (const [what, start, prefix] of cases) {
    test(`the proxy-url of a kubeconfig is used: ${what}`, async (t) => {
      const api = await serve(t)
      const proxy = await start()
      t.after(() => proxy.stop())
      const file = api.kubeconfig({ cluster: { 'proxy-url': `${prefix}127.0.0.1:${proxy.port}` } })
      await createClusterHarness(t, kubeconfig(file)).synced()
      assert.deepEqual([...new Set(proxy.tunnels)], [`127.0.0.1:${api.port}`])
    })
  }

  test('a proxy that refuses is named', async (t) => {
    const api = await serve(t)
    const proxy = await startConnectProxy('me:secret')
    t.after(() => proxy.stop())
    const file = api.kubeconfig({ cluster: { 'proxy-url': `http://127.0.0.1:${proxy.port}` } })
    await says(
      createClusterHarness(t, kubeconfig(file)),
      /through the proxy 127\.0\.0\.1:\d+: the proxy refuses the tunnel: .* 407/,
    )
  })

  test('the environment names proxies as it does for curl and Go', () => {
    const cases: [string, NodeJS.ProcessEnv, string | undefined][] = [
      ['https://10.0.0.1:6443', { HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128/'],
      ['https://10.0.0.1:6443', { https_proxy: 'p:3128' }, 'http://p:3128/'],
      ['http://10.0.0.1:6443', { HTTPS_PROXY: 'http://p:3128' }, undefined],
      ['https://127.0.0.1:6443', { HTTPS_PROXY: 'http://p:3128' }, undefined],
      ['https://10.0.0.1:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' }, undefined],
      ['https://11.0.0.1:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/8' }, 'http://p/'],
      ['https://[fd00::1]:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'fd00::/8' }, undefined],
      ['https://api.example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: 'example.com' }, undefined],
      ['https://example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: '.example.com' }, 'http://p/'],
      ['https://api.example.com:6443', { HTTPS_PROXY: 'http://p', NO_PROXY: 'example.com:443' }, 'http://p/'],
      ['https://api.example.com', { HTTPS_PROXY: 'http://p', NO_PROXY: 'a, *' }, undefined],
      ['https://10.0.0.1', { HTTPS_PROXY: 'http://p', NO_PROXY: '10.0.0.0/99' }, 'http://p/'],
    ]
    for (const [url, env, wanted] of cases) {
      assert.equal(proxyFromEnvironment(new URL(url), env)?.href, wanted, `${url} ${JSON.stringify(env)}`)
    }
  })
})

describe('a connection that dies without a word', () => {
  test('HTTP/2: pings notice within 20 s, and everything goes on over a new one', async (t) => {
    const api = await serve(t)
    const pipe = await startPipe(api.port)
    t.after(() => pipe.stop())
    const clock = createFakeClock()
    const file = api.kubeconfig({ cluster: { server: `https://127.0.0.1:${pipe.port}` } })
    const harness = createClusterHarness(t, kubeconfig(file), { clock })
    await harness.synced()
    await until(() => assert.equal(api.watches('services'), 1))
    pipe.freeze()
    api.put(service('later'))
    clock.advance(20_000)
    await until(() => assert.deepEqual(serviceNames(harness), ['later', 'web']))
    assert.equal(pipe.connections, 2)
  })

  test('HTTP/2: a connection that answers pings is kept', async (t) => {
    const api = await serve(t)
    const clock = createFakeClock()
    const harness = createClusterHarness(t, kubeconfig(api.kubeconfig()), { clock })
    await harness.synced()
    for (let i = 0; i < 5; i++) {
      clock.advance(10_000)
      // The answer comes over a real socket: it must be there before time moves on.
      api.put(service(`s${i}`))
      await until(() => assert.ok(serviceNames(harness).includes(`s${i}`)))
    }
    assert.equal(api.connections, 1)
  })

  test('HTTP/1.1: a watch that is silent for 30 s is asked again', async (t) => {
    const api = await serve(t, { transport: 'http' })
    const pipe = await startPipe(api.port)
    t.after(() => pipe.stop())
    const clock = createFakeClock()
    const harness = createClusterHarness(t, { kind: 'endpoint', url: `http://127.0.0.1:${pipe.port}` }, { clock })
    await harness.synced()
    const watches = () => ['services', 'namespaces', 'endpointslices'].map(api.watches)
    await until(() => assert.deepEqual(watches(), [1, 1, 1]))
    pipe.freeze()
    api.put(service('later'))
    clock.advance(32_000)
    await until(() => assert.deepEqual(serviceNames(harness), ['later', 'web']))
  })
})
