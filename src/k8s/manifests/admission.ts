/**
 * Adds to the objects of manifests what an API server would, and manifests usually omit: the namespace `default`, Namespace
 * objects for the namespaces in use, and ClusterIPs for Services that need one.
 */

import { MalformedObject, type MetaDraft } from '../decode/draft.ts'
import { jsonMeta, reduceJson } from '../decode/json.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { ClusterConfig } from '../model/config.ts'
import { label } from '../model/labels.ts'
import type { Reduced, Resource } from '../model/types.ts'
import { type ClusterIPs, createClusterIPs } from './cluster-ips.ts'
import { type Labels, parseSelector, type Selector } from './selector.ts'

export interface Admitted {
  readonly resource: Resource
  readonly object: Reduced
  /** A Namespace that exists because an object is in it. */
  readonly implied: boolean
}

export interface Admission {
  /** The reduced forms of the objects: in order, after the implied namespaces. `refuse` gets the malformed ones. */
  admit(objects: readonly ApiObject[], refuse: (object: ApiObject, reason: string) => void): Admitted[]
}

export interface ApiObject {
  readonly kind: string
  readonly object: Readonly<Record<string, unknown>>
}

/** Kinds that are read; others are skipped, so that a directory with any manifests can be served. */
export const resourcesOfKind: Readonly<Record<string, readonly Resource[]>> = {
  Service: ['services'],
  EndpointSlice: ['endpointslices', 'importedslices'],
  Namespace: ['namespaces'],
  Pod: ['pods'],
  ServiceImport: ['serviceimports'],
}

/** Throws SyntaxError when a label selector of the configuration is invalid. */
export function createAdmission(
  config: Pick<ClusterConfig, 'labels' | 'namespaceLabels'>,
  watched: readonly Resource[],
  reducer: Reducer,
): Admission {
  const selectors: Readonly<Record<Resource, Selector>> = {
    services: parseSelector(config.labels),
    endpointslices: parseSelector(config.labels),
    importedslices: parseSelector(config.labels),
    pods: parseSelector(config.labels),
    namespaces: parseSelector(config.namespaceLabels),
    // docs/coredns-behaviour.md §4.7: imports are filtered by the namespace selector.
    serviceimports: parseSelector(config.namespaceLabels),
  }

  const reduceOne = (resource: Resource, object: ApiObject['object'], meta: MetaDraft): Admitted | undefined => {
    if (!watched.includes(resource) || !selectors[resource](labelsOf(object, meta, resource))) return undefined
    if (resource === 'pods' && isFinished(object)) return undefined
    const reduced = reduceJson(resource, object, meta, reducer, undefined)
    return reduced && { resource, object: reduced, implied: false }
  }

  return {
    admit(objects, refuse) {
      const admitted: Admitted[] = []
      const clusterIPs = createClusterIPs()
      for (const { kind, object } of objects) if (kind === 'Service') clusterIPs.reserve(object)
      const named = new Set<string>()
      const implied = new Set<string>()
      for (const entry of objects) {
        const resources = Object.hasOwn(resourcesOfKind, entry.kind) ? resourcesOfKind[entry.kind] : []
        if (resources.length === 0) continue
        try {
          const meta = metaOf(entry, reducer)
          if (entry.kind === 'Namespace') named.add(meta.name)
          else implied.add(meta.namespace)
          const object = entry.kind === 'Service' ? withClusterIP(entry.object, meta, clusterIPs) : entry.object
          for (const resource of resources) {
            const one = reduceOne(resource, object, meta)
            if (one !== undefined) admitted.push(one)
          }
        } catch (error) {
          if (!(error instanceof MalformedObject)) throw error
          refuse(entry, error.message)
        }
      }
      const namespaces = [...implied].filter((name) => !named.has(name)).map((name) => ({ metadata: { name } }))
      return [
        ...namespaces
          .flatMap((object) => reduceOne('namespaces', object, jsonMeta(object, reducer)) ?? [])
          .map((one) => ({ ...one, implied: true })),
        ...admitted,
      ]
    },
  }
}

/** Like the field selector for pods in requests to an API server (api/resources.ts). */
function isFinished({ status }: ApiObject['object']): boolean {
  const { phase } = (status ?? {}) as { readonly phase?: unknown }
  return phase === 'Succeeded' || phase === 'Failed' || phase === 'Unknown'
}

function metaOf({ kind, object }: ApiObject, reducer: Reducer): MetaDraft {
  const meta = jsonMeta(object, reducer)
  meta.namespace = kind === 'Namespace' ? '' : meta.namespace || 'default'
  return meta
}

function labelsOf(object: ApiObject['object'], meta: MetaDraft, resource: Resource): Labels {
  const metadata = object.metadata as { labels?: Labels } | undefined
  const labels = metadata?.labels ?? {}
  return resource === 'namespaces' ? { ...labels, [label.namespaceName]: meta.name } : labels
}

function withClusterIP(object: ApiObject['object'], meta: MetaDraft, clusterIPs: ClusterIPs): ApiObject['object'] {
  const assigned = clusterIPs.assign(object, `${meta.namespace}/${meta.name}`)
  if (assigned.length === 0) return object
  return { ...object, spec: { ...(object.spec as object), clusterIP: assigned[0], clusterIPs: assigned } }
}
