/**
 * The ways to deploy, as kubectl sends them, on a real API server that has the objects of CoreDNS as kubeadm makes them: what is
 * applied and deleted is ours alone, and the cluster's Service selects a pod that answers at every moment.
 */
import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type ControlPlane, controlPlanePrograms, startControlPlane } from '../support/control-plane.ts'
import { peer, without } from '../support/peers.ts'
import { until } from '../support/until.ts'
import { chart, helm, valuesFile, valuesFiles } from './chart.ts'
import { folder, type KubernetesObject, objectsOf } from './objects.ts'

const skip = without(...controlPlanePrograms, 'kubectl', 'helm', 'prometheus-operator-crds')

/** As kubeadm, kOps and EKS leave them: kOps adds the budget. */
const coredns: readonly KubernetesObject[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    spec: {
      clusterIP: '10.96.0.10',
      selector: { 'k8s-app': 'kube-dns' },
      ports: [{ name: 'dns', port: 53, protocol: 'UDP' }],
    },
  },
  {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'coredns', namespace: 'kube-system' },
    data: { Corefile: '.:53 {\n    errors\n    kubernetes cluster.local\n}\n' },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      template: {
        metadata: { labels: { 'k8s-app': 'kube-dns' } },
        spec: { containers: [{ name: 'coredns', image: 'registry.k8s.io/coredns/coredns:v1.15.0' }] },
      },
    },
  },
  {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'kube-dns', namespace: 'kube-system' },
    spec: { maxUnavailable: '50%', selector: { matchLabels: { 'k8s-app': 'kube-dns' } } },
  },
]

const collections: Readonly<Record<string, string>> = {
  Service: '/api/v1/namespaces/kube-system/services',
  ConfigMap: '/api/v1/namespaces/kube-system/configmaps',
  Deployment: '/apis/apps/v1/namespaces/kube-system/deployments',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets',
}

describe('the ways to deploy', { skip }, () => {
  let plane: ControlPlane
  let kubeconfig: string
  before(async () => {
    plane = await startControlPlane()
    kubeconfig = plane.kubeconfig(plane.adminToken)
    for (const object of coredns) await plane.request('POST', collections[object.kind]!, object)
    await kubectl('create', 'namespace', 'monitoring')
    const definitions = join(plane.folder, 'definitions.yaml')
    writeFileSync(definitions, execFileSync(peer('prometheus-operator-crds')!, { maxBuffer: 8 << 20 }))
    await kubectl('apply', '--server-side', '-f', definitions)
    await until(() => plane.request('GET', '/apis/monitoring.coreos.com/v1/prometheusrules'))
  })
  after(() => plane?.stop())

  async function kubectl(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(peer('kubectl')!, ['--kubeconfig', kubeconfig, ...args])
    return stdout
  }
  const rendered = async (name: string): Promise<KubernetesObject[]> =>
    objectsOf(await kubectl('kustomize', `${folder}/${name}`))

  /** What there is, without what the API server keeps of it. */
  async function state(): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {}
    for (const { kind, metadata } of coredns) {
      const { spec, data } = (await plane.request('GET', `${collections[kind]}/${metadata.name}`)) as KubernetesObject
      found[`${kind} ${metadata.name}`] = { spec, data }
    }
    return found
  }
  const selects = (selector: Record<string, string>, labels: Record<string, string>): boolean =>
    Object.entries(selector).every(([key, value]) => labels[key] === value)

  const ways = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'kustomization.yaml')))
    .map(({ name }) => name)
    .filter((name) => !/^kind: Component$/m.test(readFileSync(join(folder, name, 'kustomization.yaml'), 'utf8')))
    .concat('.')
  for (const way of ways)
    it(`manifests/${way} is accepted by the API server, and leaves every object of CoreDNS as it was, there and back`, async () => {
      const before = await state()
      await kubectl('apply', '--validate=strict', '-k', `${folder}/${way}`)
      assert.deepEqual(await state(), before)
      await kubectl('delete', '-k', `${folder}/${way}`)
      assert.deepEqual(await state(), before)
    })

  it("the pods of replace-coredns are the cluster Service's, have its Corefile, and no second budget", async () => {
    const objects = await rendered('replace-coredns')
    const pod = objects.find(({ kind }) => kind === 'Deployment')!.spec.template
    assert.ok(selects({ 'k8s-app': 'kube-dns' }, pod.metadata.labels))
    const volumes = pod.spec.volumes.map(({ name, configMap }: KubernetesObject) => [name, configMap])
    assert.deepEqual(Object.fromEntries(volumes), {
      state: undefined,
      config: { name: 'coredns' },
      custom: { name: 'coredns-custom', optional: true },
    })
    const mounts = pod.spec.containers[0].volumeMounts.map(({ name, mountPath }: KubernetesObject) => [name, mountPath])
    assert.deepEqual(Object.fromEntries(mounts), {
      config: '/etc/coredns',
      state: '/var/lib/slicedns',
      custom: '/etc/coredns/custom',
    })
    const kinds = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()
    assert.deepEqual(kinds, [
      'ClusterRole system:slicedns',
      'ClusterRoleBinding system:slicedns',
      'Deployment slicedns',
      'ServiceAccount slicedns',
    ])
    // `pods verified` may be in the Corefile.
    const { rules } = objects.find(({ kind }) => kind === 'ClusterRole')!
    const resources = rules.flatMap((rule: KubernetesObject) => rule.resources)
    assert.deepEqual(resources, ['namespaces', 'services', 'pods', 'endpointslices'])
    // What CoreDNS's Deployment adopts is chosen by its own labels: its ReplicaSet's hash keeps the pods apart.
    const selector = objects.find(({ kind }) => kind === 'Deployment')!.spec.selector.matchLabels
    assert.deepEqual(selector, { 'app.kubernetes.io/name': 'slicedns', 'k8s-app': 'kube-dns' })
  })

  const replacing = 'replace-coredns'
  const complete = ['.', 'base', 'beside', replacing]
  it('a folder that stands beside others has no object of theirs, so that each goes alone, and no budget or label of theirs', async () => {
    const owners = new Map<string, string>()
    // Those are different lives of one Deployment; the two of node-local and of autoscaling exclude each other.
    for (const way of [replacing, ...ways.filter((name) => !complete.includes(name) && name !== 'node-local')]) {
      for (const { kind, metadata, spec } of await rendered(way)) {
        const name = `${kind} ${metadata.name}`
        assert.equal(owners.get(name), undefined, `${name} of ${way}`)
        owners.set(name, way)
        assert.ok(kind !== 'PodDisruptionBudget' || way === 'disruption-budget')
        const labels = way === replacing ? undefined : spec?.template?.metadata.labels
        if (labels)
          assert.ok(!selects({ 'k8s-app': 'kube-dns' }, labels) && labels['app.kubernetes.io/name'] !== 'slicedns')
      }
    }
  })

  it('the component without-replicas leaves the number of replicas to an autoscaler', async () => {
    const own = join(plane.folder, 'own')
    mkdirSync(own)
    const paths = [`${folder}/replace-coredns`, `${folder}/autoscale`, `${folder}/autoscale/without-replicas`]
    const [way, scaler, component] = paths.map((path) => relative(own, path))
    writeFileSync(join(own, 'kustomization.yaml'), `resources: [${way}, ${scaler}]\ncomponents: [${component}]\n`)
    const objects = objectsOf(await kubectl('kustomize', own))
    const { metadata, spec } = objects.find(({ kind }) => kind === 'Deployment')!
    assert.equal(spec.replicas, undefined)
    const { scaleTargetRef } = objects.find(({ kind }) => kind === 'HorizontalPodAutoscaler')!.spec
    assert.equal(scaleTargetRef.name, metadata.name)
  })

  for (const [way, kind] of [
    ['beside', 'Deployment'],
    ['node-local', 'DaemonSet'],
  ] as const)
    it(`the snapshot of manifests/${way} is in a folder of the pod, or of the node with the component snapshot-hostpath`, async () => {
      const stateOf = (objects: readonly KubernetesObject[]): KubernetesObject => {
        const { volumes, containers } = objects.find((object) => object.kind === kind)!.spec.template.spec
        const state = volumes.find(({ name }: KubernetesObject) => name === 'state')
        const mount = containers[0].volumeMounts.find(({ name }: KubernetesObject) => name === 'state')
        const { Corefile } = objects.find((object) => object.kind === 'ConfigMap')!.data
        assert.match(Corefile, new RegExp(`^ +snapshot ${mount.mountPath}/\\w+$`, 'm'))
        return state
      }
      assert.deepEqual(stateOf(await rendered(way)), { name: 'state', emptyDir: { sizeLimit: '256Mi' } })
      const own = join(plane.folder, `own-${way}`)
      mkdirSync(own)
      const [base, component] = [way, 'snapshot-hostpath'].map((name) => relative(own, join(folder, name)))
      writeFileSync(join(own, 'kustomization.yaml'), `resources: [${base}]\ncomponents: [${component}]\n`)
      const onNode = objectsOf(await kubectl('kustomize', own))
      const hostPath = { path: '/var/lib/slicedns', type: 'Directory' }
      assert.deepEqual(stateOf(onNode), { name: 'state', hostPath })
      await kubectl('apply', '--dry-run=server', '--validate=strict', '-k', own)
    })

  it('an autoscaler asks for a metric that the server has, under the name that the adapter gives it', async () => {
    const [{ spec }] = await rendered('autoscale')
    const { name } = spec.metrics[0].pods.metric
    const [{ rules }] = objectsOf(readFileSync(join(folder, 'autoscale/prometheus-adapter.yaml'), 'utf8'))
    assert.deepEqual([rules.custom[0].name.as, rules.custom[0].seriesQuery.split('{')[0]], [name, name])
    assert.match(readFileSync(join(folder, '../docs/metrics.md'), 'utf8'), new RegExp(`^\\| \`${name}\` `, 'm'))
  })

  it('a try that is deleted after the swap leaves the swap, and no pod ever has two budgets', async () => {
    const budgetsOf = async (): Promise<readonly (readonly [string, number])[]> => {
      const list = async (kind: string): Promise<KubernetesObject[]> =>
        JSON.parse(await kubectl('-n', 'kube-system', 'get', kind, '-o', 'json')).items
      const [deployments, budgets] = await Promise.all([list('deployments'), list('poddisruptionbudgets')])
      return deployments.map(({ metadata, spec }) => {
        const { labels } = spec.template.metadata
        const selecting = budgets.filter((budget) => selects(budget.spec.selector.matchLabels, labels))
        return [metadata.name, selecting.length] as const
      })
    }
    const before = await state()
    await kubectl('apply', '-k', `${folder}/beside`)
    await kubectl('apply', '-k', `${folder}/replace-coredns`)
    // As kOps leaves it: with a budget for k8s-app: kube-dns.
    assert.deepEqual(await budgetsOf(), [
      ['coredns', 1],
      ['slicedns', 1],
      ['slicedns-beside', 1],
    ])
    await kubectl('delete', '-k', `${folder}/beside`)
    const accounts = await kubectl('-n', 'kube-system', 'get', 'deployments,serviceaccounts', '-o', 'name')
    assert.match(accounts, /^deployment.apps\/slicedns$/m)
    assert.match(accounts, /^serviceaccount\/slicedns$/m)
    await kubectl('get', 'clusterrole,clusterrolebinding', 'system:slicedns')
    // As kubeadm leaves it: without one.
    await kubectl('-n', 'kube-system', 'delete', 'poddisruptionbudget', 'kube-dns')
    await kubectl('apply', '-k', `${folder}/disruption-budget`)
    assert.deepEqual(await budgetsOf(), [
      ['coredns', 0],
      ['slicedns', 1],
    ])
    for (const way of ['disruption-budget', 'replace-coredns']) await kubectl('delete', '-k', `${folder}/${way}`)
    const budget = coredns.find(({ kind }) => kind === 'PodDisruptionBudget')!
    await plane.request('POST', collections.PodDisruptionBudget!, budget)
    assert.deepEqual(await state(), before)
  })

  for (const way of ['.', 'beside'])
    it(`the pods of manifests/${way} are not behind the cluster's Service, and have one budget`, async () => {
      const objects = await rendered(way)
      const { labels } = objects.find(({ kind }) => kind === 'Deployment')!.spec.template.metadata
      assert.ok(!selects({ 'k8s-app': 'kube-dns' }, labels))
      assert.equal(objects.filter(({ kind }) => kind === 'PodDisruptionBudget').length, 1)
      const { selector, clusterIP } = objects.find(({ kind }) => kind === 'Service')!.spec
      assert.ok(selects(selector, labels))
      assert.equal(clusterIP, undefined)
    })

  const release = (...args: string[]): Promise<string> =>
    helm(...args, '--namespace', 'kube-system', '--kubeconfig', kubeconfig)

  for (const name of valuesFiles)
    it(`the API server accepts every object of the chart with ${name}`, async () => {
      const file = join(plane.folder, name)
      // Where no object of CoreDNS has the names that some of the values take.
      writeFileSync(file, await helm('template', 'coredns', chart, '--namespace', 'default', '-f', valuesFile(name)))
      await kubectl('apply', '--server-side', '--dry-run=server', '--validate=strict', '-f', file)
    })

  it('a release of the chart behind the cluster’s Service leaves every object of CoreDNS as it was, there and back', async () => {
    const before = await state()
    await release('install', 'dns', chart, '-f', valuesFile('observed.yaml'))
    assert.deepEqual(await state(), before)
    await release('uninstall', 'dns')
    assert.deepEqual(await state(), before)
  })

  it('a release that would take the names of CoreDNS is refused as a whole', async () => {
    const before = [await state(), await kubectl('get', 'all,configmaps,serviceaccounts', '-A', '-o', 'name')]
    await assert.rejects(
      release('install', 'coredns', chart, '-f', valuesFile('cluster-service.yaml')),
      /coredns" in namespace "kube-system" exists and cannot be imported/,
    )
    assert.deepEqual(
      [await state(), await kubectl('get', 'all,configmaps,serviceaccounts', '-A', '-o', 'name')],
      before,
    )
  })

  it('a release with the address of the cluster’s DNS leaves its Service behind when it goes', async () => {
    await release('install', 'own', chart, '--set', 'service.clusterIP=10.96.0.99')
    await release('uninstall', 'own')
    assert.match(await kubectl('-n', 'kube-system', 'get', 'services', '-o', 'name'), /^service\/own-slicedns$/m)
    await release('install', 'own', chart, '--set', 'service.clusterIP=10.96.0.99')
  })
})
