/** The test's objects in the real API server. */
import type { ApiObject, ControlPlane } from '../support/control-plane.ts'
import type { KubernetesObject } from './objects.ts'

function collection({ apiVersion, kind, metadata: { namespace } }: KubernetesObject): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  return `${group}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${kind.toLowerCase()}s`
}

const place = (object: KubernetesObject) => `${collection(object)}/${object.metadata.name}`

/** Status is a subresource: it is ignored where the object is created. */
async function putStatus(plane: ControlPlane, object: KubernetesObject): Promise<void> {
  if (object.status) await plane.request('PATCH', `${place(object)}/status`, { status: object.status })
}

export async function createObject(plane: ControlPlane, object: KubernetesObject): Promise<void> {
  await plane.request('POST', collection(object), object)
  await putStatus(plane, object)
}

/** In place, as a controller or `kubectl replace` does. */
export async function replaceObject(plane: ControlPlane, object: KubernetesObject): Promise<void> {
  await plane.request('PUT', place(object), await withVersion(plane, object))
  await putStatus(plane, object)
}

/** Objects of a custom resource say which version of theirs they replace. */
async function withVersion(plane: ControlPlane, object: KubernetesObject): Promise<KubernetesObject> {
  if (object.kind !== 'ServiceImport') return object
  const { resourceVersion } = (await plane.request('GET', place(object))).metadata
  return { ...object, metadata: { ...object.metadata, resourceVersion } }
}

export async function deleteObject(plane: ControlPlane, object: KubernetesObject): Promise<void> {
  const now = object.kind === 'Pod' ? '?gracePeriodSeconds=0' : ''
  await plane.request('DELETE', `${place(object)}${now}`)
}

const lists: readonly (readonly [apiVersion: string, kind: string, path: string])[] = [
  ['v1', 'Namespace', '/api/v1/namespaces'],
  ['v1', 'Service', '/api/v1/services'],
  ['v1', 'Pod', '/api/v1/pods'],
  ['discovery.k8s.io/v1', 'EndpointSlice', '/apis/discovery.k8s.io/v1/endpointslices'],
  ['multicluster.x-k8s.io/v1alpha1', 'ServiceImport', '/apis/multicluster.x-k8s.io/v1alpha1/serviceimports'],
]

/** Everything DNS is about, with the addresses that the API server assigned, and without what only it needs. */
export async function allObjects(plane: ControlPlane): Promise<KubernetesObject[]> {
  const all: KubernetesObject[] = []
  for (const [apiVersion, kind, path] of lists) {
    const { items } = await plane.request('GET', path)
    for (const { metadata, ...rest } of items as ApiObject[]) {
      const { name, namespace, labels } = metadata
      const kept = { name, ...(namespace ? { namespace } : {}), ...(labels ? { labels } : {}) }
      all.push({ ...rest, apiVersion, kind, metadata: kept })
    }
  }
  return all
}
