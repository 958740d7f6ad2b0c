/** Which services are traffic splits (docs/design.md §8), and which other services they name. */
import type { Service } from '../../../k8s/model/types.ts'
import type { ClusterContext } from '../../context.ts'
import { type SplitBackend, splitAnnotation } from './parse.ts'

export interface Backend {
  readonly namespace: string
  readonly name: string
  /** A whole number, in proportion to the others. 0: only when no other backend is left. */
  readonly share: number
}

/**
 * Identifies a backend in the variants of a split: a number from 1 to 65,535, derived from its name. If two backends of a split
 * share one, their selections are counted together.
 */
export function backendTag({ namespace, name }: Pick<Backend, 'namespace' | 'name'>): number {
  let hash = 0x811c9dc5
  for (const octet of Buffer.from(`${namespace}/${name}`)) hash = Math.imul(hash ^ octet, 0x01000193)
  return (((hash ^ (hash >>> 16)) >>> 0) % 65_535) + 1
}

/** The services named by the annotation, even if it is refused: the service's answers depend on all of them. */
export function namedBackends({ annotations }: ClusterContext, service: Service): readonly Backend[] {
  return (annotations.service(service).get(splitAnnotation) ?? []).map((backend) => located(backend, service))
}

const located = ({ namespace, ...backend }: SplitBackend, service: Service): Backend => ({
  ...backend,
  namespace: namespace ?? service.namespace,
})

/** The backends of a split; undefined for a service that is not one, or whose annotation is refused. */
export function splitOf(context: ClusterContext, service: Service): readonly Backend[] | undefined {
  const backends = namedBackends(context, service)
  return backends.length > 0 && refusalOf(context, service, backends) === undefined ? backends : undefined
}

/**
 * Why the annotation is refused; undefined when it is not. A backend must not have a split annotation, not even one that
 * is refused: so there are no cycles, and a split depends on its direct backends only.
 */
export function refusalOf(
  { view, annotations }: ClusterContext,
  { namespace, name }: Service,
  backends: readonly Backend[],
): string | undefined {
  const seen = new Set<string>()
  for (const backend of backends) {
    const key = `${backend.namespace}/${backend.name}`
    if (key === `${namespace}/${name}`) return 'a split must not be its own backend'
    if (seen.has(key)) return `must name each backend once, but repeats ${key}`
    seen.add(key)
    const service = view.service(backend.namespace, backend.name)
    if (service && annotations.service(service).get(splitAnnotation)) {
      return `backend ${key} is a split itself: name its backends here instead`
    }
  }
  return undefined
}
