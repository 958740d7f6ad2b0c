/** Which services are traffic splits (docs/design.md §10, Split semantics), and which other services they name. */
import type { Service } from '../../../k8s/model/types.ts'
import type { Problem } from '../../annotations/parsed.ts'
import type { ClusterContext } from '../../context.ts'
import type { SplitBackend } from './parse.ts'

export interface Backend {
  readonly namespace: string
  readonly name: string
  /** Whole numbers in the proportion that is wanted. 0: only when nothing else is left. */
  readonly share: number
}

/** The services that a split would be over, whether or not it may be one: on all of them its answers depend. */
export function namedBackends({ annotations }: ClusterContext, service: Service): readonly Backend[] {
  return (annotations.service(service).split ?? []).map((backend) => located(backend, service))
}

const located = ({ namespace, ...backend }: SplitBackend, service: Service): Backend => ({
  ...backend,
  namespace: namespace ?? service.namespace,
})

/** The backends of a service that is a split; undefined for one that is none, or must not be one. */
export function splitOf(context: ClusterContext, service: Service): readonly Backend[] | undefined {
  const backends = namedBackends(context, service)
  return backends.length > 0 && refusalOf(context, service, backends) === undefined ? backends : undefined
}

/** What keeps the service from being the split that it asks to be, besides what the annotation's parser finds. */
export function problemsOfSplit(context: ClusterContext, service: Service, prefix: string): readonly Problem[] {
  const rule = refusalOf(context, service, namedBackends(context, service))
  return rule === undefined ? [] : [{ key: `${prefix}/split`, reason: 'refused', rule }]
}

/**
 * A backend that is a split itself is refused, whether or not it is refused in its turn: so there are no cycles, and
 * what a name answers is one step away from its own annotation.
 */
function refusalOf(
  { view, annotations }: ClusterContext,
  { namespace, name }: Service,
  backends: readonly Backend[],
): string | undefined {
  const seen = new Set<string>()
  for (const backend of backends) {
    const key = `${backend.namespace}/${backend.name}`
    if (key === `${namespace}/${name}`) return 'a split must not have itself for a backend'
    if (seen.has(key)) return `it may name each backend once, ${key} is there again`
    seen.add(key)
    const service = view.service(backend.namespace, backend.name)
    if (service && annotations.service(service).split) {
      return `its backend ${key} is a split itself: name that one's backends here, with their shares of all`
    }
  }
  return undefined
}
