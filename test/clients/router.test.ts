/** A router that knows Services by name only, on a real API server; CoreDNS beside slicedns. The figures are printed. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { kubeadmCorefile } from '../../bench/lib/corefile.ts'
import { service, slice, startCluster, type TestCluster } from '../e2e/cluster.ts'
import { controlPlanePrograms } from '../support/control-plane.ts'
import { dig } from '../support/dig.ts'
import { peer, without } from '../support/peers.ts'
import { freePorts } from '../support/server.ts'
import { tied } from '../support/tied.ts'
import { until } from '../support/until.ts'
import { type Router, startRouter } from './router.ts'

const skip = without(...controlPlanePrograms, 'coredns', 'dig')

const services = Array.from({ length: 20 }, (_, at) => `models-${at}`)
const hostOf = (name: string): string => `${name}.default.svc.cluster.local`
const slices = '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices'
const ports = [{ name: 'http', port: 8000 }]
const rounds = 2

/** kubeadm's Corefile, but for a TTL of a second: nobody waits half a minute for each address. */
const quick = (corefile: string): string => corefile.replace('ttl 30', 'ttl 1')

test('a router stops using an address that has left, and never goes back to it', { skip }, async (t) => {
  const cluster = await startCluster()
  t.after(() => cluster.stop())
  const given = { count: 0 }
  const nextAddress = () => `10.20.${++given.count >> 8}.${given.count & 255}`
  const pods = new Map(services.map((name) => [name, [nextAddress(), nextAddress()]]))
  for (const [name, endpoints] of pods) {
    await cluster.create(service('default', name, { clusterIP: 'None', ports }))
    await cluster.create(slice({ namespace: 'default', name, service: name, ports, endpoints }))
  }
  const server = await cluster.serve({ edit: quick })
  t.after(() => server.stop())
  const other = await startCoreDns(cluster)
  t.after(other.stop)

  const returned: string[] = []
  const routers = new Map<string, Router>()
  for (const [label, port] of [
    ['slicedns', server.ports.dns],
    ['coredns', other.port],
  ] as const) {
    const seen = watchReturns((text) => label === 'slicedns' && returned.push(text))
    const router = await startRouter({ port, names: services.map(hostOf), every: 20, onAnswer: seen })
    t.after(router.stop)
    routers.set(label, router)
  }

  const left: { readonly address: string; readonly at: number }[] = []
  const watch = await cluster.watch(slices)
  t.after(() => watch.close())
  /** Takes an address away from a Service, and gives it another. */
  async function replace(name: string): Promise<void> {
    const [gone, ...others] = pods.get(name)!
    const now = [...others, nextAddress()]
    pods.set(name, now)
    const endpoints = now.map((address) => ({ addresses: [address], conditions: { ready: true } }))
    const text = JSON.stringify(endpoints.map(({ addresses }) => addresses))
    const event = watch.next(
      ({ object }) => object.metadata.name === name && JSON.stringify(addressesOf(object)) === text,
    )
    await cluster.change('EndpointSlice', 'default', name, { endpoints })
    left.push({ address: gone!, at: await event })
  }

  for (let round = 0; round < rounds; round++) {
    await Promise.all(services.map(replace))
    await until(() => {
      for (const router of routers.values()) {
        for (const now of pods.values()) assert.ok(router.lastUse(now.at(-1)!), 'the new address is in use')
      }
    })
  }
  for (const [label, router] of routers) {
    const delays = left
      .map(({ address, at }) => Math.max(0, (router.lastUse(address) ?? at) - at))
      .sort((a, b) => a - b)
    const text = (share: number) => delays[Math.floor((delays.length - 1) * share)]!.toFixed(0)
    t.diagnostic(
      `${label}, TTL ${router.longestTtl} s: last use after ${text(0.5)} ms at the median, ${text(1)} ms at most`,
    )
  }
  assert.deepEqual(returned, [], 'addresses that an answer had left out, and a later one had again')
})

// biome-ignore lint/suspicious/noExplicitAny: a slice as JSON has it
const addressesOf = (slice: Record<string, any>): unknown =>
  slice.endpoints?.map(({ addresses }: { addresses: string[] }) => addresses)

/** Tells of addresses that are back in a name's answers after one without them. */
function watchReturns(tell: (text: string) => void): (name: string, addresses: readonly string[]) => void {
  const before = new Map<string, readonly string[]>()
  const gone = new Set<string>()
  return (name, addresses) => {
    for (const address of before.get(name) ?? []) if (!addresses.includes(address)) gone.add(address)
    for (const address of addresses) if (gone.has(address)) tell(`${name} ${address}`)
    before.set(name, addresses)
  }
}

async function startCoreDns(cluster: TestCluster): Promise<{ readonly port: number; readonly stop: () => void }> {
  const all = await freePorts()
  const folder = mkdtempSync(join(tmpdir(), 'slicedns-router-'))
  const corefile = kubeadmCorefile({ kubeconfig: cluster.kubeconfig(cluster.adminToken), upstream: '127.0.0.1:9' })
  writeFileSync(join(folder, 'Corefile'), quick(corefile(all)))
  const [program, ...words] = tied([peer('coredns')!, '-conf', join(folder, 'Corefile')])
  const child: ChildProcess = spawn(program!, words, { stdio: 'ignore' })
  await until(async () => {
    const { answer } = await dig(hostOf(services[0]!), 'A', { port: all.dns })
    assert.equal(answer.length, 2)
  })
  return {
    port: all.dns,
    stop() {
      child.kill('SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
