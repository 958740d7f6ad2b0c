/** Suggests the Service or Namespace that was most likely meant by a missing one. */
import { nearest } from '../../../corefile/nearest.ts'
import type { ClusterView } from '../../../k8s/model/types.ts'

/** `: did you mean shop/web?`: the nearest in the namespace, or one of this name elsewhere; else ''. */
export function serviceSuggestion(view: ClusterView, namespace: string, name: string): string {
  const near = nearest(name, namesOf(view.servicesIn(namespace)))
  if (near !== undefined) return `: did you mean ${namespace}/${near}?`
  for (const { name: other } of view.namespaces())
    if (view.service(other, name)) return `: there is one in Namespace ${other}`
  return ''
}

/** `: did you mean shop?`, or ''. */
export function namespaceSuggestion(view: ClusterView, name: string): string {
  const near = nearest(name, namesOf(view.namespaces()))
  return near === undefined ? '' : `: did you mean ${near}?`
}

function* namesOf(objects: Iterable<{ readonly name: string }>): Generator<string> {
  for (const { name } of objects) yield name
}
