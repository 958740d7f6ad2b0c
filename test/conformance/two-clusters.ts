/** Two clusters behind one server: what happens to one of them is not to change what is said of the other. */
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts'
import { until } from '../support/until.ts'
import { createObject, deleteObject } from './api.ts'
import type { Configuration } from './configuration.ts'
import { otherZone } from './configurations.ts'
import { askBoth, type Result } from './differential.ts'
import { http, type KubernetesObject, namespace, service, slice } from './objects.ts'
import { type Pair, type Surroundings, startPair } from './pair.ts'
import { type Ask, ask, questions } from './queries.ts'

export interface Compared {
  readonly title: string
  readonly result: Result
  /** What else is wrong, in words. */
  readonly failures: readonly string[]
}

/** Every so many of the questions are asked again while an API server is frozen. */
const sample = 8

function otherObjects(): KubernetesObject[] {
  return [
    ...['apps', 'data', 'elsewhere'].map((name) => namespace(name)),
    service('apps', 'web', { clusterIP: '10.96.201.1', ports: [http] }),
    service('apps', 'only-here', { clusterIP: '10.96.201.2', ports: [http] }),
    service('elsewhere', 'web', { clusterIP: '10.96.201.3', ports: [http] }),
    service('data', 'db', { clusterIP: 'None', ports: [http] }),
    slice('data', 'db-1', 'db', 'IPv4', [http], [['10.30.0.1', { hostname: 'db-0' }], ['10.30.0.2']]),
    // Across the clusters, and outside.
    service('apps', 'abroad', { type: 'ExternalName', externalName: 'web.apps.svc.cluster.local' }),
    service('apps', 'out', { type: 'ExternalName', externalName: 'www.example.org' }),
  ]
}

export async function compareTwoClusters(
  configuration: Configuration,
  plane: ControlPlane,
  surroundings: Surroundings,
  first: readonly Ask[],
): Promise<Compared[]> {
  const other = await startControlPlane()
  try {
    const objects = otherObjects()
    for (const object of objects) await createObject(other, object)
    const second = questions(objects, otherZone)
    const both = { ...surroundings, otherKubeconfig: other.kubeconfig(other.adminToken) }
    const { name } = configuration
    const compared = (title: string, result: Result): Compared => ({ title: `${name}${title}`, result, failures: [] })
    const pair = await startPair(configuration, both)
    const some = [...first, ...second].filter((_, at) => at % sample === 0)
    const results: Compared[] = []
    try {
      await until(() => isThere(pair, `only-here.apps.svc.${otherZone}`))
      results.push(compared('', await askBoth([...first, ...second], pair)))
      other.freeze()
      await addFresh(plane, pair)
      results.push(compared(', one frozen', await askBoth(some, pair)))
    } finally {
      await pair.stop()
      await deleteObject(plane, fresh)
    }
    const late = await startPair(configuration, both)
    try {
      results.push(compared(', one frozen at the start', await askBoth(some, late)))
    } finally {
      await late.stop()
    }
    return results
  } finally {
    other.thaw()
    await other.stop()
  }
}

const fresh = service('apps', 'fresh', { clusterIP: '10.96.9.9', ports: [http] })

/** A change of the first cluster reaches both servers although the second one says nothing. */
async function addFresh(plane: ControlPlane, pair: Pair): Promise<void> {
  await createObject(plane, fresh)
  await until(() => isThere(pair, `fresh.apps.svc.${pair.zone}`))
}

async function isThere({ theirs, ours }: Pair, name: string): Promise<void> {
  for (const { client } of [theirs, ours]) {
    const reply = await client.ask(ask(name, 1))
    if (!reply || (reply[3]! & 15) !== 0) throw new Error(`${name} is not there`)
  }
}
