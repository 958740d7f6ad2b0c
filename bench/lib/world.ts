/** The cluster under the benchmarks: a real API server, filled with services and endpoints. */
import { errorMessage } from '../../src/telemetry/error-text.ts'
import {
  type ApiObject,
  controlPlanePrograms,
  startControlPlane,
  type Watch,
} from '../../test/support/control-plane.ts'
import { peer } from '../../test/support/peers.ts'
import { until } from '../../test/support/until.ts'
import { namespaceNames, namespaceOf, type Size, serviceObject, sliceObject } from './objects.ts'
import { otherCores } from './process.ts'

export interface World {
  readonly kubeconfig: string
  request(method: string, path: string, body?: object): Promise<ApiObject>
  watch(path: string): Promise<Watch>
  /** Kills the API server, forgets its history, and brings it back. */
  restart(): Promise<void>
  /** The same, and makes a Service of this name: it is answered when a server has seen something new. */
  restartWith(name: string): Promise<void>
  stop(): Promise<void>
}

/** Requests under way at once while the cluster is filled: what kept the API server busy in the prototypes. */
const parallel = 8

export async function openWorld(size: Size): Promise<World> {
  const missing = controlPlanePrograms.filter((name) => peer(name) === undefined)
  if (missing.length > 0) throw new Error(`${missing.join(' and ')} not found: run test/support/peers/build.sh`)
  const plane = await startControlPlane({ cores: otherCores })
  try {
    await fill(plane.request, size)
  } catch (error) {
    await plane.stop()
    throw error
  }
  async function restart(): Promise<void> {
    await plane.kill()
    await plane.compact()
    // On a busy machine etcd may be so late that the API server gives up.
    await plane.startAgain().catch(() => plane.startAgain())
  }
  return {
    kubeconfig: plane.kubeconfig(plane.adminToken),
    request: plane.request,
    watch: plane.watch,
    restart,
    async restartWith(name) {
      await restart()
      await plane.request('POST', '/api/v1/namespaces/default/services', {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name, namespace: 'default' },
        spec: { ports: [{ port: 80 }] },
      })
    },
    stop: plane.stop,
  }
}

async function fill(request: World['request'], size: Size): Promise<void> {
  if (size.services === 0) return
  for (const name of namespaceNames()) {
    await request('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  // The API server learns of its own Service kinds and address range a moment after it is ready.
  await until(() => request('GET', '/api/v1/namespaces/default/services/kubernetes'))
  let next = 0
  const work = async () => {
    for (let at = next++; at < size.services; at = next++) {
      const namespace = namespaceOf(at)
      await create(request, `/api/v1/namespaces/${namespace}/services`, serviceObject(at))
      await create(request, `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, sliceObject(at, size))
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
}

/** Once more where the API server gave up: on a busy machine etcd may be late (504). It may have done it (409). */
async function create(request: World['request'], path: string, body: object): Promise<void> {
  try {
    await request('POST', path, body)
  } catch (error) {
    if (!/: 50[034] /.test(errorMessage(error))) throw error
    await request('POST', path, body).catch((again) => {
      if (!/: 409 /.test(errorMessage(again))) throw again
    })
  }
}
