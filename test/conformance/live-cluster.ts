/** The cluster that random changes are made to: what is in it, and how each kind of object is changed through the API. */
import type { ControlPlane } from '../support/control-plane.ts'
import { until } from '../support/until.ts'
import { createObject, deleteObject, replaceObject } from './api.ts'
import { type Change, keyOf } from './mutate.ts'
import { type KubernetesObject, namespace } from './objects.ts'

export interface LiveCluster {
  readonly plane: ControlPlane
  /** By keyOf, without the markers (settle.ts). */
  readonly objects: Map<string, KubernetesObject>
  /** Markers that were set so far. */
  markers: number
}

/** Makes the change; returns the object as it was and as it is, as far as it was and is. */
export async function apply(live: LiveCluster, { how, object }: Change): Promise<KubernetesObject[]> {
  const old = live.objects.get(keyOf(object))
  if (how === 'remove') {
    if (old) await remove(live, old)
    return [object]
  }
  if (how === 'put') await put(live, object)
  else {
    if (old) await remove(live, old)
    await put(live, object)
  }
  return old ? [old, object] : [object]
}

/** What cannot be changed in place (a service's first address, a slice's family) is made anew. */
export async function put(live: LiveCluster, object: KubernetesObject): Promise<void> {
  const home = object.metadata.namespace
  // Nothing can be created or changed in a namespace that is gone; what is left in it comes back with it.
  if (home !== undefined && !live.objects.has(`Namespace /${home}`)) {
    await put(live, namespace(home, { exposed: 'yes' }))
  }
  const old = live.objects.get(keyOf(object))
  if (old) {
    if (await succeeds(replaceObject(live.plane, object))) {
      live.objects.set(keyOf(object), object)
      return
    }
    await remove(live, old)
  }
  // An address is free again a moment after its service was deleted, and a namespace open a moment after its creation.
  await until(() => createObject(live.plane, object))
  live.objects.set(keyOf(object), object)
}

const succeeds = (action: Promise<void>): Promise<boolean> =>
  action.then(
    () => true,
    () => false,
  )

export async function remove(live: LiveCluster, object: KubernetesObject): Promise<void> {
  await deleteObject(live.plane, object)
  // A namespace's end is its controller's to declare, which does not run here.
  if (object.kind === 'Namespace') await finalize(live.plane, object.metadata.name)
  live.objects.delete(keyOf(object))
}

export async function finalize(plane: ControlPlane, name: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } }
  await plane.request('PUT', `/api/v1/namespaces/${name}/finalize`, body)
}
