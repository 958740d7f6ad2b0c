/** The cluster that random changes are made to: what is in it, and how each kind of object is changed through the API. */
import type { ControlPlane } from '../support/control-plane.ts'
import { until } from '../support/until.ts'
import { createObject, deleteObject, replaceObject } from './api.ts'
import { type Change, keyOf } from './mutate.ts'
import { type KubernetesObject, namespace } from './objects.ts'

export interface World {
  readonly plane: ControlPlane
  /** By keyOf, without the markers (settle.ts). */
  readonly objects: Map<string, KubernetesObject>
  /** Markers that were set so far. */
  markers: number
}

/** Makes the change; returns the object as it was and as it is, as far as it was and is. */
export async function apply(world: World, { how, object }: Change): Promise<KubernetesObject[]> {
  const old = world.objects.get(keyOf(object))
  if (how === 'remove') {
    if (old) await remove(world, old)
    return [object]
  }
  if (how === 'put') await put(world, object)
  else {
    if (old) await remove(world, old)
    await put(world, object)
  }
  return old ? [old, object] : [object]
}

/** What cannot be changed in place (a service's first address, a slice's family) is made anew. */
export async function put(world: World, object: KubernetesObject): Promise<void> {
  const home = object.metadata.namespace
  // Nothing can be created or changed in a namespace that is gone; what is left in it comes back with it.
  if (home !== undefined && !world.objects.has(`Namespace /${home}`)) {
    await put(world, namespace(home, { exposed: 'yes' }))
  }
  const old = world.objects.get(keyOf(object))
  if (old) {
    if (await succeeds(replaceObject(world.plane, object))) {
      world.objects.set(keyOf(object), object)
      return
    }
    await remove(world, old)
  }
  // An address is free again a moment after its service was deleted, and a namespace open a moment after its creation.
  await until(() => createObject(world.plane, object))
  world.objects.set(keyOf(object), object)
}

const succeeds = (action: Promise<void>): Promise<boolean> =>
  action.then(
    () => true,
    () => false,
  )

export async function remove(world: World, object: KubernetesObject): Promise<void> {
  await deleteObject(world.plane, object)
  // A namespace's end is its controller's to declare, which does not run here.
  if (object.kind === 'Namespace') await finalize(world.plane, object.metadata.name)
  world.objects.delete(keyOf(object))
}

export async function finalize(plane: ControlPlane, name: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: [] } }
  await plane.request('PUT', `/api/v1/namespaces/${name}/finalize`, body)
}
