/** manifests/ against the real API server: it takes the objects, the server needs exactly the rights they give, and pages are right. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { account, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { collectionPath } from '../e2e/paths.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { kubeadmDns } from '../support/node/cluster-dns.ts'
import { unmet, without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { rendered } from './chart.ts'
import { type KubernetesObject, kustomization, object, objects } from './objects.ts'
import { tryYaml, type, typePage } from './typed.ts'

const skip = without(...controlPlanePrograms, 'dig')
const noNamespaces =
  skip || (process.getuid?.() !== 0 ? unmet('needs root, for a mount namespace') : without('unshare', 'mount'))

let cluster: TestCluster

before(async () => {
  if (!skip) cluster = await startCluster()
})

after(() => cluster?.stop())

test('the API server accepts every object (server-side dry run)', { skip }, async () => {
  for (const each of objects) {
    // Those that the server needs in the other tests are there already: apply says what `kubectl apply` would be told.
    const path = `${collectionPath(each)}/${each.metadata.name}?dryRun=All&fieldManager=test&fieldValidation=Strict&force=true`
    const reply = await cluster.requestAs(cluster.adminToken, 'APPLY', path, withImage(each))
    assert.ok(reply.status === 200 || reply.status === 201, `${each.kind}: ${reply.status} ${reply.body.message}`)
  }
})

test('the server starts on the ConfigMap’s Corefile with the service account’s token', { skip }, async (t) => {
  const server = await cluster.serve()
  t.after(() => server.stop())
  const reply = await server.dig('kubernetes.default.svc.cluster.local', 'A')
  assert.equal(reply.answer.length, 1)
})

test('the server in its pod finds the API server by the environment and the mounted token', {
  skip: noNamespaces,
}, async (t) => {
  const token = await cluster.serviceAccountToken('kube-system', object('ServiceAccount').metadata.name)
  const mount = `set -e
    mount -t tmpfs tmpfs /run
    mkdir -p "$account"
    printf %s "$token" > "$account/token"
    cp "$ca" "$account/ca.crt"
    exec "$@"`
  const { hostname, port } = new URL(cluster.url)
  const server = await cluster.serve({
    kubeconfig: 'none',
    edit: (corefile) => corefile.replace('kubeconfig none', ''),
    under: ['unshare', '--mount', 'sh', '-c', mount, 'sh'],
    env: {
      account: '/run/secrets/kubernetes.io/serviceaccount',
      token,
      ca: cluster.certificateAuthority,
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
    },
  })
  t.after(() => server.stop())
  const reply = await server.dig('kubernetes.default.svc.cluster.local', 'A')
  assert.equal(reply.answer.length, 1)
})

test('the role allows exactly what the server asks the API server for', { skip }, async (t) => {
  const server = await cluster.serve()
  t.after(() => server.stop())
  // Watches are what it asks for last; the audit log has each request once it is received.
  const asked = await until(() => {
    const calls = [
      ...new Set(cluster.calls(account).map(({ verb, group, resource }) => `${verb} ${group}/${resource}`)),
    ]
    for (const resource of ['/services', '/namespaces', 'discovery.k8s.io/endpointslices']) {
      assert.ok(calls.includes(`watch ${resource}`), `no watch of ${resource} yet`)
    }
    return calls
  })
  // A streamed initial list is a watch; `list` is for API servers that do not stream, and for what a stream refuses.
  const verbs = new Set(asked.map((call) => call.split(' ')[0]))
  assert.deepEqual(
    [...verbs].filter((verb) => verb !== 'list' && verb !== 'watch'),
    [],
  )
  const resources = new Set(asked.map((call) => call.split(' ')[1]))
  assert.deepEqual([...resources].sort(), allowed('watch'))
  assert.deepEqual(allowed('list'), allowed('watch'))
  assert.ok(object('ClusterRole').rules.every((rule: KubernetesObject) => rule.verbs.length === 2))
})

/** Lines of the kubernetes block, and what they make the server ask for beside Services and Namespaces. */
const options: readonly (readonly [account: string, line: string, also: readonly string[]])[] = [
  ['verified', 'pods verified', ['/pods', 'discovery.k8s.io/endpointslices']],
  ['noendpoints', 'noendpoints', []],
  [
    'multicluster',
    'multicluster clusterset.local',
    ['discovery.k8s.io/endpointslices', 'multicluster.x-k8s.io/serviceimports'],
  ],
]

test('the role that the chart makes of an option allows exactly what the option makes the server ask for', {
  skip: skip || without('helm'),
}, async (t) => {
  await Promise.all(
    options.map(async ([name, line, also]) => {
      const values = join(cluster.folder, `${name}.json`)
      const plugin = { name: 'kubernetes', parameters: 'cluster.local', configBlock: line }
      writeFileSync(values, JSON.stringify({ fullnameOverride: name, servers: [{ plugins: [plugin] }] }))
      const rights = await rendered(name, '-f', values, '--show-only', 'templates/rbac.yaml')
      for (const each of rights) await cluster.create(each)
      const [role] = rights.filter(({ kind }) => kind === 'ClusterRole') as [KubernetesObject]
      const wanted = ['/namespaces', '/services', ...also].sort()
      assert.deepEqual(allowed('watch', role), wanted, line)
      assert.deepEqual(allowed('list', role), wanted, line)

      const zone = 'kubernetes cluster.local'
      const server = await cluster.serve({
        kubeconfig: cluster.kubeconfig(await cluster.serviceAccountToken('kube-system', name)),
        kubernetes: line === 'pods verified' ? [] : [line],
        edit: (corefile) =>
          (line === 'pods verified' ? corefile.replace('pods insecure', line) : corefile).replace(
            zone,
            line.startsWith('multicluster') ? `${zone} clusterset.local` : zone,
          ),
      })
      t.after(() => server.stop())
      await until(() => {
        const calls = cluster.calls(`system:serviceaccount:kube-system:${name}`)
        assert.deepEqual([...new Set(calls.map(({ group, resource }) => `${group}/${resource}`))].sort(), wanted, line)
        assert.deepEqual(
          [...new Set(calls.map(({ verb }) => verb))].filter((verb) => !/^(list|watch)$/.test(verb)),
          [],
        )
      })
      assert.doesNotMatch(server.output(), /forbidden/, line)
    }),
  )
})

test('the commands and YAML of pages for an operator are what a cluster of kubeadm takes', {
  skip: skip || without('kubectl', 'helm'),
}, async (t) => {
  for (const [collection, each] of kubeadmDns) await cluster.request('POST', collection, each)
  const server = await cluster.serve()
  t.after(() => server.stop())
  const at = { kubeconfig: cluster.kubeconfig(cluster.adminToken), server: server.pid }
  assert.match(await typePage('deploying', at), /can be served(?:.|\n)*slicedns-beside created/)
  // Migrating takes the same steps to there, and has the way back as a block.
  await type('helm -n kube-system uninstall slicedns && kubectl apply -k manifests/replace-coredns', at)
  assert.deepEqual(await tryYaml('deploying', at), ['clusterDNS', 'Kustomization', 'Kustomization'])
  assert.match(await typePage('tuning', at), /queries/)
  await typePage('console', at)
  assert.match(await typePage('migrating', at), /deployment.apps "slicedns" deleted/)
  assert.deepEqual(await tryYaml('faq', at), ['Pod'])
  assert.deepEqual(await tryYaml('reliability', at), ['Pod'])
})

/** `GROUP/RESOURCE` for which the role has the verb. */
function allowed(verb: string, role: KubernetesObject = object('ClusterRole')): string[] {
  return role.rules
    .filter((rule: KubernetesObject) => rule.verbs.includes(verb))
    .flatMap((rule: KubernetesObject) =>
      rule.apiGroups.flatMap((group: string) => rule.resources.map((resource: string) => `${group}/${resource}`)),
    )
    .sort()
}

/** As kustomize rewrites it. */
function withImage(each: KubernetesObject): KubernetesObject {
  const copy = structuredClone(each)
  for (const container of copy.spec?.template?.spec.containers ?? []) {
    const image = kustomization.images.find(({ name }) => name === container.image)
    if (image) container.image = `${image.name}:${image.newTag}`
  }
  return copy
}
