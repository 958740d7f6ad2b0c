/** The manifests hang together: what one file names, another one has. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { serverEnvironment } from '../../src/launch-flags.ts'
import { folder, kustomization, object, objects } from './objects.ts'

const root = join(folder, '..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const deployment = object('Deployment')
const pod = deployment.spec.template
const container = pod.spec.containers[0]

test('the kustomization of the base lists every file beside it', () => {
  const files = readdirSync(join(folder, 'base')).filter((name) => name !== 'kustomization.yaml')
  assert.deepEqual([...kustomization.resources].sort(), files.sort())
})

test('every namespaced object is in the namespace of kustomization.yaml', () => {
  for (const each of objects.filter(({ kind }) => !kind.startsWith('ClusterRole'))) {
    assert.equal(each.metadata.namespace, kustomization.namespace, each.kind)
  }
})

test('the Service and the disruption budget select the pods of the Deployment, and the Deployment only its own', () => {
  const labels = pod.metadata.labels
  const selectors = [
    object('Service').spec.selector,
    object('PodDisruptionBudget').spec.selector.matchLabels,
    deployment.spec.selector.matchLabels,
  ]
  for (const selector of selectors) {
    for (const [key, value] of Object.entries(selector)) assert.equal(labels[key], value, key)
  }
  assert.equal(
    labels['k8s-app'],
    undefined,
    "the cluster's Service selects this label, and so does CoreDNS's Deployment",
  )
})

test('the pod can run as the cluster DNS: its account, its configuration, its way upstream, time to drain', () => {
  assert.equal(pod.spec.serviceAccountName, object('ServiceAccount').metadata.name)
  assert.equal(pod.spec.volumes[0].configMap.name, object('ConfigMap').metadata.name)
  assert.equal(pod.spec.dnsPolicy, 'Default', 'ClusterFirst would make the server its own upstream')
  assert.ok(pod.spec.terminationGracePeriodSeconds > 20, 'the server drains for up to 20 s')
  assert.equal(container.securityContext.readOnlyRootFilesystem, true)
  assert.equal(container.securityContext.runAsNonRoot, true)
  assert.deepEqual(container.securityContext.capabilities, { drop: ['ALL'], add: ['NET_BIND_SERVICE'] })
  assert.equal(container.resources.limits.memory, '170Mi')
})

test('the Service has the ports of the container', () => {
  const ports = (of: { port?: number; containerPort?: number; protocol: string; name: string }[]) =>
    of.map(({ name, port, containerPort, protocol }) => `${name} ${port ?? containerPort}/${protocol}`)
  assert.deepEqual(ports(object('Service').spec.ports), ports(container.ports))
})

test('the image is the version of the package', () => {
  assert.deepEqual(kustomization.images, [{ name: container.image, newTag: JSON.parse(read('package.json')).version }])
})

test('the files that the Dockerfile copies exist, and .dockerignore lets them through', () => {
  const allowed = new Set([...read('.dockerignore').matchAll(/^!(.+)$/gm)].map((match) => match[1]!))
  const sources = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
    match[1]!.split(' '),
  )
  assert.ok(sources.length > 0)
  for (const source of sources) {
    assert.ok(existsSync(join(root, source)), source)
    assert.ok(allowed.has(source), `.dockerignore keeps ${source} from the build`)
  }
})

test('the image, npm start and the launcher give the runtime the same flags', () => {
  const flags = ['--disable-sigusr1', '--max-semi-space-size=2']
  const entrypoint: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(read('Dockerfile'))![1]!)
  const { scripts } = JSON.parse(read('package.json'))
  // The launcher works the share of the memory limit out; a command line can only say it as a share.
  assert.deepEqual(entrypoint.slice(1, -1), [...flags, '--max-old-space-size-percentage=50'])
  const environment = [...read('Dockerfile').matchAll(/^ENV (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value])
  assert.deepEqual(Object.fromEntries(environment), serverEnvironment)
  for (const script of ['start', 'slicedns'])
    assert.ok(scripts[script].startsWith(`exec node run.js ${flags.join(' ')} src/main.ts`))
  for (const flag of flags) assert.ok(read('src/launch-flags.ts').includes(`'${flag}'`), flag)
})
