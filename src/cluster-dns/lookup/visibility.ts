/** How much of the cluster there is to be seen. */
import type { ClusterView, Resource } from '../../k8s/model/types.ts'
import type { ClusterContext } from '../context.ts'

export function isKnown(view: ClusterView, resource: Resource): boolean {
  const availability = view.availability(resource)
  return availability === 'synced' || availability === 'off'
}

/** The namespace exists, and the Corefile does not leave it out. */
export function isShown({ view, settings }: ClusterContext, namespace: string): boolean {
  return (settings.namespaces?.has(namespace) ?? true) && view.namespace(namespace) !== undefined
}
