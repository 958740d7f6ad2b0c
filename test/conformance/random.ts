/**
 * Random differential testing: the cluster is changed through the API while both servers serve, both have the same state
 * before they are compared, and what differs is shrunk to few objects and one question.
 */
import type { ControlPlane } from '../support/control-plane.ts'
import { until } from '../support/until.ts'
import { createObject, deleteObject, replaceObject } from './api.ts'
import type { Configuration } from './configurations.ts'
import { askBoth, type Difference } from './differential.ts'
import { createRandom, keyOf, type Random, randomObject } from './mutate.ts'
import { type KubernetesObject, namespace, pod, service, slice } from './objects.ts'
import { type Pair, startPair } from './pair.ts'
import { type Ask, ask, questions } from './queries.ts'

const roundsOfConfiguration = 40
const questionsOfRound = 500
const shownDifferences = 5
/** Configurations without `cache`, which shows reverse names as they were, and with the markers in sight. */
const suitable = ['plain', 'pods-verified', 'endpoint-pod-names', 'ignore-empty-service', 'fallthrough-zone']

interface World {
  readonly plane: ControlPlane
  readonly objects: Map<string, KubernetesObject>
  markers: number
}

export async function runAtRandom(
  chosen: readonly Configuration[],
  plane: ControlPlane,
  upstreamPort: number,
  seed: number,
  minutes: number,
): Promise<{ passed: number; failed: number }> {
  const fit = chosen.filter(({ name }) => suitable.includes(name))
  const deadline = performance.now() + minutes * 60_000
  const random = createRandom(seed)
  const world: World = { plane, objects: new Map(), markers: 0 }
  for (const name of ['apps', 'net', 'data'])
    await createObject(plane, namespace(name, name === 'data' ? {} : { exposed: 'yes' }))
  await createObject(plane, service('apps', 'web', { clusterIP: '10.96.1.1', ports: [{ port: 80 }] }))
  // `ignore empty_service` shows it for its endpoint.
  await createObject(plane, slice('apps', 'web', 'web', 'IPv4', [{ port: 80 }], [['10.40.1.1']]))
  for (const object of markerObjects(0)) await createObject(plane, object)
  const tally = { passed: 0, failed: 0 }
  for (let episode = 0; performance.now() < deadline && tally.failed < shownDifferences; episode++) {
    const configuration = fit[episode % fit.length]!
    const surroundings = { kubeconfig: plane.kubeconfig(plane.adminToken), upstream: `127.0.0.1:${upstreamPort}` }
    const pair = await startPair(configuration, surroundings)
    try {
      for (let round = 0; round < roundsOfConfiguration && performance.now() < deadline; round++) {
        const { passed, failed } = await playRound(world, pair, random)
        tally.passed += passed
        tally.failed += failed.length
        if (failed.length === 0) continue
        process.stdout.write(`--seed ${seed}, ${configuration.name}, round ${round}: ${failed.length} differ\n`)
        process.stdout.write(await shrunk(world, pair, failed[0]!))
        break
      }
    } finally {
      await pair.stop()
    }
    process.stdout.write(`${configuration.name}: ${tally.passed} equal so far, ${tally.failed} differ\n`)
  }
  return tally
}

async function playRound(world: World, pair: Pair, random: Random): Promise<{ passed: number; failed: Difference[] }> {
  const touched: KubernetesObject[] = []
  for (let change = 1 + random.below(6); change > 0; change--) touched.push(await changeOne(world, random))
  await settle(world, pair)
  const near = questions(touched, pair.zone)
  const far = questions([...world.objects.values()], pair.zone)
  const asks = Array.from({ length: questionsOfRound }, (_, at) => random.pick(at % 3 === 0 ? far : near))
  const { agreed, eitherWay, failed } = await askBoth(asks, pair)
  return { passed: agreed.length + eitherWay.length, failed }
}

async function changeOne(world: World, random: Random): Promise<KubernetesObject> {
  const object = randomObject(random)
  const old = world.objects.get(keyOf(object))
  if (old && random.chance(0.3)) await remove(world, old)
  else await put(world, object, old)
  return object
}

/** What cannot be changed in place (a service's address, a slice's family) is made anew. */
async function put(world: World, object: KubernetesObject, old: KubernetesObject | undefined): Promise<void> {
  if (old) {
    const done = await replaceObject(world.plane, object).then(
      () => true,
      () => false,
    )
    if (done) {
      world.objects.set(keyOf(object), object)
      return
    }
    await remove(world, old)
  }
  await createObject(world.plane, object)
  world.objects.set(keyOf(object), object)
}

async function remove(world: World, object: KubernetesObject): Promise<void> {
  await deleteObject(world.plane, object)
  world.objects.delete(keyOf(object))
}

const markerAddress = (marker: number) => `10.250.${(marker >> 8) & 255}.${marker & 255}`

/** One object of each kind that is watched: the events of a kind come in order, those of several kinds do not. */
function markerObjects(marker: number): KubernetesObject[] {
  return [
    service('apps', 'marked', { type: 'ExternalName', externalName: `m${marker}.example.org` }),
    service('apps', 'marker', { clusterIP: 'None', ports: [{ port: 80 }] }),
    slice('apps', 'marker', 'marker', 'IPv4', [{ port: 80 }], [[markerAddress(marker)]]),
    pod('apps', 'marker', markerAddress(marker)),
  ]
}

/** Changes the markers last, and waits until both servers show them. */
async function settle(world: World, { theirs, ours, corefile }: Pair): Promise<void> {
  const marker = ++world.markers
  for (const object of markerObjects(marker))
    if (object.kind === 'Pod') await markPod(world.plane, object)
    else if (object.metadata.name !== 'marker' || object.kind !== 'Service') await replaceObject(world.plane, object)
  const address = Buffer.from(markerAddress(marker).split('.').map(Number))
  const zone = 'cluster.local.'
  const signs: (readonly [Ask, Buffer])[] = [
    [ask(`marker.apps.svc.${zone}`, 1), address],
    [ask(`marked.apps.svc.${zone}`, 5), Buffer.from(`m${marker}`)],
  ]
  if (corefile.includes('pods verified'))
    signs.push([ask(`${markerAddress(marker).replaceAll('.', '-')}.apps.pod.${zone}`, 1), address])
  for (const { client } of [theirs, ours])
    for (const [asked, sign] of signs)
      await until(async () => {
        const reply = await client.ask(asked)
        if (!reply || !Buffer.from(reply).subarray(12).includes(sign)) throw new Error(`${asked.name} is not new`)
      })
}

async function markPod(plane: ControlPlane, object: KubernetesObject): Promise<void> {
  await plane.request('PATCH', `/api/v1/namespaces/apps/pods/${object.metadata.name}/status`, { status: object.status })
}

/** Takes objects away as long as the difference stays. */
async function shrunk(world: World, pair: Pair, { asked, text }: Difference): Promise<string> {
  let last = text
  const stillDiffers = async (): Promise<boolean> => {
    await settle(world, pair)
    const [found] = (await askBoth([asked], pair)).failed
    if (found) last = found.text
    return found !== undefined
  }
  if (!(await stillDiffers())) return `${text}\n  and was gone when asked again: an answer that came late\n`
  for (const object of [...world.objects.values()]) {
    await remove(world, object)
    if (!(await stillDiffers())) await put(world, object, undefined)
  }
  for (const { key, at } of endpointsOf(world)) {
    const current = world.objects.get(key)!
    const smaller = { ...current, endpoints: (current.endpoints as readonly unknown[]).toSpliced(at, 1) }
    await put(world, smaller, current)
    if (!(await stillDiffers())) await put(world, current, smaller)
  }
  const objects = [...world.objects.values()].map((object) => `  ${JSON.stringify(object)}\n`).join('')
  return `${pair.corefile}\nobjects besides the markers:\n${objects}${last}\n`
}

/** The last one of each slice first: places of the others stay as they are when it goes. */
function endpointsOf({ objects }: World): { key: string; at: number }[] {
  return [...objects].flatMap(([key, { endpoints = [] }]) =>
    (endpoints as readonly unknown[]).map((_, at) => ({ key, at })).reverse(),
  )
}
