/**
 * manifests/node-local on a node: its init container's script with the tools and the privilege that the container has, and the
 * built server with its Corefile, in a network of their own.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { checkCorefile } from '../../src/cli/findings.ts'
import { plugins } from '../../src/plugins/index.ts'
import { peer, unmet, without } from '../support/peers.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/until.ts'
import { corefile as baseCorefile, folder, type KubernetesObject, object, objectsOf } from './objects.ts'

const skip =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? unmet('needs Linux and root, for a network of its own')
    : without('unshare', 'nsenter', 'setpriv', 'mount', 'ip', 'busybox', 'dig', 'curl')

const read = (file: string): KubernetesObject[] => objectsOf(readFileSync(join(folder, file), 'utf8'))
const pod = read('node-local/daemonset.yaml')[0]!.spec.template.spec
const [addresses] = pod.initContainers
const [server] = pod.containers
const corefile: string = read('node-local/configmap.yaml')[0]!.data.Corefile

/** The container's PATH: busybox alone. */
const tools = mkdtempSync(join(tmpdir(), 'slicedns-busybox-'))
/** The init container twice, as after a restart of the pod; then what follows. `before` prepares the node. */
const node = (before = ''): readonly string[] => {
  const script = `set -e
    ip link set lo up
    ${before}
    mount -t tmpfs tmpfs /run
    mkdir /run/slicedns
    for start in 1 2; do
      setpriv --inh-caps=-all --bounding-set=-all,+net_admin env "PATH=$tools" busybox "$shell" "$flags" "$script"
    done
    exec "$@"`
  return ['unshare', '--net', '--mount', 'sh', '-c', script, 'sh']
}
const [shell, flags, script] = addresses.command
const env = { tools, shell, flags, script }

describe('manifests/node-local', { skip }, () => {
  before(() => {
    for (const name of ['ip', 'busybox']) symlinkSync(peer('busybox')!, join(tools, name))
  })
  after(() => rmSync(tools, { recursive: true }))

  describe('the server of a node', () => {
    let running: RunningServer
    before(async () => {
      const examples = join(folder, '../examples')
      running = await startServer({
        corefile: () =>
          corefile
            .replace(/snapshot .*/, `manifests ${examples}`)
            .replace('forward . /etc/resolv.conf', 'forward . 127.0.0.1:5300'),
        under: node(),
        env,
      })
    })
    after(() => running?.stop())

    const inNode = (...command: string[]): string =>
      execFileSync(peer('nsenter')!, ['-t', String(running.pid), '-n', ...command], { encoding: 'utf8' })

    for (const address of ['169.254.20.10', 'fd00::10'])
      for (const protocol of ['+notcp', '+tcp'])
        it(`the server of a node answers at ${address} (${protocol})`, async () => {
          const reply = await until(() =>
            inNode('dig', `@${address}`, protocol, '+short', '+tries=1', 'llm.inference.svc.cluster.local', 'A'),
          )
          assert.equal(reply.trim().split('\n').length, 4, reply)
        })

    it('the server of a node listens for queries on those two addresses alone', () => {
      assert.deepEqual(running.output().match(/\.:53 on \S+/g), ['.:53 on 169.254.20.10', '.:53 on fd00::10'])
    })

    it('the probes and the scrape find what they ask for', async () => {
      for (const { httpGet } of [server.livenessProbe, server.readinessProbe])
        await until(() => inNode('curl', '-sf', `http://${httpGet.host}:${httpGet.port}${httpGet.path}`))
      assert.match(
        inNode('curl', '-sf', `http://127.0.0.1:${server.ports[0].containerPort}/metrics`),
        /coredns_build_info/,
      )
    })
  })

  it('a node without IPv6 has the server at 169.254.20.10', () => {
    const noIpv6 = 'for all in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $all; done'
    const [program, ...args] = [...node(noIpv6), 'cat', '/run/slicedns/bind']
    const output = execFileSync(program!, args, { encoding: 'utf8', env: { ...process.env, ...env }, stdio: 'pipe' })
    assert.match(output, /This node has no IPv6/)
    assert.match(output, /^bind 169\.254\.20\.10$/m)
  })

  it('an address whose server is being replaced refuses at once, so that clients ask their next nameserver', () => {
    const query = ['dig', '@169.254.20.10', '+tries=1', '+time=60', 'a.example']
    const [program, ...args] = [...node(), 'sh', '-c', '"$@" || true', 'sh', ...query]
    const output = execFileSync(program!, args, { encoding: 'utf8', env: { ...process.env, ...env }, stdio: 'pipe' })
    assert.match(output, /connection refused/)
  })

  it('the init container has no privilege but NET_ADMIN, and the server none but NET_BIND_SERVICE', () => {
    const privileges = ({ securityContext }: KubernetesObject): unknown => securityContext.capabilities
    assert.deepEqual(privileges(addresses), { drop: ['ALL'], add: ['NET_ADMIN'] })
    assert.deepEqual(privileges(server), { drop: ['ALL'], add: ['NET_BIND_SERVICE'] })
    assert.equal(server.securityContext.runAsUser, 65532)
  })

  it('the role is that of manifests/base, whose Corefile asks for the same', () => {
    const role = read('node-local/rbac.yaml').find(({ kind }) => kind === 'ClusterRole')!
    assert.deepEqual(role.rules, object('ClusterRole').rules)
    const kubernetes = /kubernetes [^}]*\}/
    assert.equal(kubernetes.exec(corefile)![0], kubernetes.exec(baseCorefile)![0])
  })

  it('the Corefile of node-local-forwarding can be served, with the address of its Service in the environment', (t) => {
    const [service] = read('node-local-forwarding/service.yaml') as [KubernetesObject]
    const variable = `${service.metadata.name.toUpperCase().replaceAll('-', '_')}_SERVICE_HOST`
    assert.ok(process.env[variable] === undefined)
    process.env[variable] = '10.96.0.11'
    t.after(() => delete process.env[variable])
    const file = join(tools, 'Corefile')
    const text: string = read('node-local-forwarding/configmap.yaml')[0]!.data.Corefile
    writeFileSync(file, text.replaceAll('import /run/slicedns/bind', 'bind 127.0.0.1'))
    assert.match(text, new RegExp(`forward \\. \\{\\$${variable}\\}`))
    assert.deepEqual(checkCorefile(file, plugins, 53), { findings: [], blocks: 2 })
  })
})
