/** manifests/chart: what it makes of values, among them those that people have for CoreDNS's chart. No cluster is asked. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { parse } from 'yaml'
import { checkCorefile } from '../../src/cli/findings.ts'
import { plugins } from '../../src/plugins/index.ts'
import { without } from '../support/peers.ts'
import { chart, helm, of, rendered, valuesFile, valuesFiles } from './chart.ts'
import { corefile, folder, type KubernetesObject, object, objectsOf } from './objects.ts'

const skip = without('helm')
const read = (file: string): string => readFileSync(join(chart, file), 'utf8')
const values: Record<string, unknown> = parse(read('values.yaml'))

/** Corefile text without comments, empty lines and indentation. */
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')

const isPartOf = (selector: object, labels: Record<string, string>): boolean =>
  Object.entries(selector).every(([key, value]) => labels[key] === value)

describe('the chart', { skip }, () => {
  const scratch = mkdtempSync(join(tmpdir(), 'slicedns-chart-'))
  let plain: KubernetesObject[]
  let releases: ReadonlyMap<string, KubernetesObject[]>
  before(async () => {
    plain = await rendered('slicedns')
    const all = valuesFiles.map(async (name) => [name, await rendered('coredns', '-f', valuesFile(name))] as const)
    releases = new Map(await Promise.all(all))
  })
  after(() => rmSync(scratch, { recursive: true }))

  /** Renders with these values, as a file of values has them. */
  async function withValues(value: object): Promise<KubernetesObject[]> {
    const file = join(scratch, 'values.json')
    writeFileSync(file, JSON.stringify(value))
    return rendered('slicedns', '-f', file)
  }

  it('helm lint has nothing against the chart, with its own values and with those of the tests', async () => {
    await helm('lint', '--strict', chart, ...valuesFiles.flatMap((name) => ['-f', valuesFile(name)]))
  })

  it('the versions are those of the package', () => {
    const { version } = JSON.parse(readFileSync(join(folder, '../package.json'), 'utf8'))
    const { version: ofChart, appVersion } = parse(read('Chart.yaml'))
    assert.deepEqual({ ofChart, appVersion }, { ofChart: version, appVersion: version })
  })

  it('every value is in the schema, and NOTES.txt knows its name', () => {
    const missing: string[] = []
    const look = (value: unknown, schema: KubernetesObject | undefined, path: string): void => {
      if (schema === undefined) missing.push(path)
      if (schema?.properties === undefined) return
      for (const [key, child] of Object.entries(value as object)) look(child, schema.properties[key], `${path}.${key}`)
    }
    look(values, JSON.parse(read('values.schema.json')), '')
    assert.deepEqual(missing, [])
    const known = /\$known := list ([^}]*)\}/.exec(read('templates/NOTES.txt'))![1]!.match(/\w+/g)!
    assert.deepEqual(
      known.filter((name) => name !== 'global'),
      Object.keys(values).sort(),
    )
  })

  it('the chart without values deploys what manifests/base and manifests/beside have', () => {
    const base = object('Deployment').spec
    const [{ spec }] = of(plain, 'Deployment') as [KubernetesObject]
    const [ours, theirs] = [spec.template.spec, base.template.spec]
    assert.deepEqual(linesOf(of(plain, 'ConfigMap')[0]!.data.Corefile), linesOf(corefile))
    assert.equal(spec.replicas, base.replicas)
    for (const field of [
      'priorityClassName',
      'dnsPolicy',
      'terminationGracePeriodSeconds',
      'nodeSelector',
      'tolerations',
    ])
      assert.deepEqual(ours[field], theirs[field], field)
    for (const field of ['args', 'resources', 'securityContext'])
      assert.deepEqual(ours.containers[0][field], theirs.containers[0][field], field)
    const ports = (pod: KubernetesObject): string[] =>
      pod.containers[0].ports.map((port: KubernetesObject) => `${port.containerPort}/${port.protocol}`)
    assert.deepEqual(ports(ours), ports(theirs))
    assert.deepEqual(of(plain, 'ClusterRole')[0]!.rules, object('ClusterRole').rules)
    assert.deepEqual(of(plain, 'Service')[0]!.spec.clusterIP, undefined)
    assert.notEqual(
      spec.template.metadata.labels['k8s-app'],
      'kube-dns',
      'the pods are not behind the cluster’s Service',
    )
  })

  for (const name of valuesFiles) {
    it(`the Corefile of ${name} can be served`, () => {
      for (const configMap of of(releases.get(name)!, 'ConfigMap').filter(({ data }) => data.Corefile)) {
        // Of the ConfigMap as it is: the files that the Corefile names are in the pod, not here.
        const file = join(scratch, name)
        writeFileSync(file, JSON.stringify(configMap))
        assert.deepEqual(
          checkCorefile(file, plugins, 53).findings.filter(({ severity }) => severity === 'error'),
          [],
        )
      }
    })

    it(`the objects of ${name} fit together: selectors, ports, probes, names`, () => {
      const objects = releases.get(name)!
      const server = of(objects, 'Deployment').find(({ metadata }) => !metadata.name.endsWith('-autoscaler'))!
      const { metadata, spec } = server.spec.template
      const selectors = [
        server.spec.selector.matchLabels,
        ...of(objects, 'Service').map((service) => service.spec.selector),
        ...of(objects, 'PodDisruptionBudget').map((budget) => budget.spec.selector.matchLabels),
      ]
      for (const selector of selectors) assert.ok(isPartOf(selector, metadata.labels), JSON.stringify(selector))
      const container = spec.containers.find((each: KubernetesObject) => each.name === 'slicedns')
      const ports = container.ports.map((port: KubernetesObject) => `${port.containerPort}/${port.protocol}`)
      const dns = of(objects, 'Service').filter((service) => !service.metadata.name.endsWith('-metrics'))
      for (const port of dns.flatMap((service) => service.spec.ports))
        assert.ok(ports.includes(`${port.targetPort}/${port.protocol}`), `${port.name} of ${ports}`)
      const volumes = spec.volumes.map((volume: KubernetesObject) => volume.name)
      for (const mount of container.volumeMounts) assert.ok(volumes.includes(mount.name), mount.name)
      for (const scaler of of(objects, 'HorizontalPodAutoscaler'))
        assert.equal(scaler.spec.scaleTargetRef.name, server.metadata.name)
      assert.equal(
        server.spec.replicas === undefined,
        /encrypted|observed/.test(name),
        'an autoscaler owns the replicas',
      )
    })
  }

  it('ports follow from schemes, servicePort, nodePort and use_tcp, and each zone of a block has its port', () => {
    const [service] = of(releases.get('encrypted.yaml')!, 'Service') as [KubernetesObject]
    const text = ({ name, port, targetPort, nodePort }: KubernetesObject): string =>
      `${name} ${port} > ${targetPort}${nodePort === undefined ? '' : ` at ${nodePort}`}`
    assert.deepEqual(service.spec.ports.map(text), [
      'tcp-8853 853 > 8853 at 30853',
      'tcp-8443 8443 > 8443',
      'udp-5353 5353 > 5353',
      'tcp-5353 5353 > 5353',
    ])
    const [{ data }] = of(releases.get('encrypted.yaml')!, 'ConfigMap') as [KubernetesObject]
    assert.match(
      data.Corefile,
      /^import \/opt\/coredns\/\*\.conf\ntls:\/\/example\.org\.:8853 tls:\/\/example\.net\.:8853 \{$/m,
    )
    const [external] = of(releases.get('external-dns.yaml')!, 'Service') as [KubernetesObject]
    assert.deepEqual(external.spec.ports.map(text), ['udp-53 53 > 53'], 'not every load balancer takes two protocols')
  })

  it('the ports of probes and metrics are those that the plugins are given', () => {
    const [{ spec }] = of(releases.get('external-dns.yaml')!, 'Deployment') as [KubernetesObject]
    const [container] = spec.template.spec.containers
    assert.equal(container.livenessProbe.httpGet.port, 8090)
    assert.equal(container.readinessProbe.httpGet.port, 8190)
    assert.deepEqual(container.ports.at(-1), { name: 'tcp-9253', containerPort: 9253, protocol: 'TCP' })
  })

  it('the ServiceMonitor finds the Service of the metrics, and names the job as the alerts of manifests/monitoring have it', () => {
    const [monitor] = of(releases.get('observed.yaml')!, 'ServiceMonitor') as [KubernetesObject]
    const [service] = of(releases.get('observed.yaml')!, 'Service') as [KubernetesObject]
    assert.ok(isPartOf(monitor.spec.selector.matchLabels, service.metadata.labels))
    assert.deepEqual(monitor.spec.namespaceSelector.matchNames, [service.metadata.namespace])
    assert.equal(monitor.spec.endpoints[0].port, service.spec.ports[0].name)
    assert.equal(service.metadata.labels[monitor.spec.jobLabel], 'slicedns')
  })

  it('zone files arrive unchanged, and lie beside the Corefile', () => {
    const [{ data }] = of(releases.get('external-dns.yaml')!, 'ConfigMap') as [KubernetesObject]
    const { zoneFiles } = parse(readFileSync(valuesFile('external-dns.yaml'), 'utf8'))
    assert.equal(data['example.db'], zoneFiles[0].contents)
    const [{ spec }] = of(releases.get('external-dns.yaml')!, 'Deployment') as [KubernetesObject]
    const paths = spec.template.spec.volumes[0].configMap.items.map((item: KubernetesObject) => item.path)
    assert.deepEqual(paths, ['Corefile', 'example.db'])
  })

  it('a value that is a template sees the names of this chart under the names of CoreDNS’s', () => {
    const [{ spec }] = of(releases.get('cluster-service.yaml')!, 'Deployment') as [KubernetesObject]
    assert.deepEqual(spec.template.spec.topologySpreadConstraints[0].labelSelector.matchLabels, {
      'app.kubernetes.io/name': 'slicedns',
      'app.kubernetes.io/instance': 'coredns',
    })
  })

  it('a Service that pods’ resolv.conf may name stays when its release goes', async () => {
    const policy = (objects: readonly KubernetesObject[]): unknown =>
      of(objects, 'Service')[0]!.metadata.annotations?.['helm.sh/resource-policy']
    assert.equal(policy(releases.get('cluster-service.yaml')!), 'keep')
    assert.equal(policy(await withValues({ service: { clusterIPs: ['10.96.0.10', 'fd00:96::a'] } })), 'keep')
    assert.equal(policy(await withValues({ service: { name: 'kube-dns' } })), 'keep')
    assert.equal(policy(await withValues({ service: { clusterIP: 'None' } })), undefined)
    assert.equal(policy(plain), undefined)
  })

  it('a release of CoreDNS’s chart keeps its names and selectors with nameOverride, which Kubernetes does not let change', async () => {
    const objects = await rendered('coredns', '--set', 'nameOverride=coredns')
    const selector = {
      'app.kubernetes.io/instance': 'coredns',
      'app.kubernetes.io/name': 'coredns',
      'k8s-app': 'coredns',
    }
    const [deployment] = of(objects, 'Deployment') as [KubernetesObject]
    assert.deepEqual(deployment.spec.selector.matchLabels, selector)
    assert.deepEqual(of(objects, 'Service')[0]!.spec.selector, selector)
    for (const kind of ['Deployment', 'Service', 'ConfigMap', 'ClusterRole'])
      assert.deepEqual(
        of(objects, kind).map(({ metadata }) => metadata.name),
        ['coredns'],
        kind,
      )
  })

  it('values of the chart that was there before, without what only this one has, keep Service and token', async () => {
    // What `helm upgrade --reuse-values` comes to.
    const objects = await withValues({ service: { create: null }, automountServiceAccountToken: null, extraArgs: null })
    assert.equal(of(objects, 'Service').length, 1)
    assert.equal(of(await withValues({ service: null }), 'Service').length, 1)
    assert.equal(of(objects, 'Deployment')[0]!.spec.template.spec.automountServiceAccountToken, undefined)
  })

  describe('the rules of the role', () => {
    const block = (configBlock: string): object => ({
      servers: [{ plugins: [{ name: 'kubernetes', parameters: 'cluster.local', configBlock }] }],
    })
    const watches = ['namespaces', 'services', 'endpointslices']
    const table: readonly [string, object, readonly string[]][] = [
      ['without the plugin kubernetes', { servers: [{ plugins: [{ name: 'whoami' }] }] }, []],
      ['with `pods insecure`', block('pods insecure'), watches],
      ['with `pods verified`', block('ttl 30\npods verified'), [...watches, 'pods']],
      ['with `noendpoints`', block('noendpoints'), ['namespaces', 'services']],
      ['with `events`', block('events'), [...watches, 'events']],
      ['with `multicluster`', block('multicluster clusterset.local'), [...watches, 'serviceimports']],
      ['with a Corefile that is there already', { deployment: { skipConfig: true } }, [...watches, 'pods']],
      ['with an import', { extraConfig: { import: { parameters: '/x' } } }, [...watches, 'pods']],
      ['with rbac.create false', { rbac: { create: false } }, []],
    ]
    for (const [situation, value, resources] of table)
      it(`the role ${situation} allows ${resources.join(', ') || 'nothing'}`, async () => {
        const rules = of(await withValues(value), 'ClusterRole').flatMap((role) => role.rules)
        const allowed = rules.flatMap((rule: KubernetesObject) => rule.resources)
        assert.deepEqual(allowed.sort(), [...resources].sort())
      })
  })

  for (const option of ['events', 'multicluster'])
    it(`manifests/${option} has the rule that the chart makes of the option ${option}`, async () => {
      const plugin = { name: 'kubernetes', parameters: 'cluster.local', configBlock: `${option}\n` }
      const [role] = of(await withValues({ servers: [{ plugins: [plugin] }] }), 'ClusterRole')
      const [ours] = of(objectsOf(readFileSync(join(folder, option, 'rbac.yaml'), 'utf8')), 'ClusterRole')
      assert.deepEqual(role!.rules.slice(2), ours!.rules)
    })

  const refused: readonly [string, RegExp][] = [
    ['serviceType=Cluster', /'\/serviceType': value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'/],
    ['replicaCount=two', /'\/replicaCount': got string, want integer/],
    [
      'servers[0].zones[0].scheme=quic://,servers[0].plugins[0].name=whoami',
      /'\/servers\/0\/zones\/0\/scheme': value must be one of/,
    ],
    ['deployment.dnsPolicy=None', /deployment\.dnsPolicy None needs deployment\.dnsConfig/],
    ['hpa.enabled=true,autoscaler.enabled=true', /both set the number of replicas: choose one/],
  ]
  for (const [setting, message] of refused)
    it(`${setting} is refused, with a message that says what is allowed`, async () => {
      await assert.rejects(rendered('slicedns', '--set', setting), message)
    })
})
