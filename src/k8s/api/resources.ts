/** The path of each resource in the API, and the selectors of its requests. */

import type { ClusterConfig } from '../model/config.ts'
import { label } from '../model/labels.ts'
import type { Resource } from '../model/types.ts'

export interface ApiResource {
  /** One path per API version, the preferred one first. A server may serve any of them. */
  readonly paths: readonly [string, ...string[]]
  /** API group; '' is core. */
  readonly group: string
  /** As RBAC rules name it. */
  readonly plural: string
  /** A custom resource: 404 means that its definition is not installed, so there are no objects. */
  readonly custom: boolean
  readonly labelSelector: (config: ClusterConfig) => string
  readonly fieldSelector: string
}

const namespaced = (config: ClusterConfig): string => config.labels
const slices = {
  paths: ['/apis/discovery.k8s.io/v1/endpointslices'],
  group: 'discovery.k8s.io',
  plural: 'endpointslices',
} as const

export const apiResources: Readonly<Record<Resource, ApiResource>> = {
  services: core('services', namespaced),
  namespaces: core('namespaces', (config) => config.namespaceLabels),
  // Finished pods keep their address in status even after another pod has got it (docs/coredns-behaviour.md §4.7).
  pods: {
    ...core('pods', namespaced),
    fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed,status.phase!=Unknown',
  },
  endpointslices: { ...slices, custom: false, labelSelector: namespaced, fieldSelector: '' },
  importedslices: {
    ...slices,
    custom: false,
    labelSelector: (config) => [config.labels, label.importedService].filter((part) => part !== '').join(','),
    fieldSelector: '',
  },
  serviceimports: {
    // The fields that DNS reads are the same in both versions.
    paths: [
      '/apis/multicluster.x-k8s.io/v1beta1/serviceimports',
      '/apis/multicluster.x-k8s.io/v1alpha1/serviceimports',
    ],
    group: 'multicluster.x-k8s.io',
    plural: 'serviceimports',
    custom: true,
    // CoreDNS filters imports by the selector for namespaces.
    labelSelector: (config) => config.namespaceLabels,
    fieldSelector: '',
  },
}

function core(plural: string, labelSelector: ApiResource['labelSelector']): ApiResource {
  return { paths: [`/api/v1/${plural}`], group: '', plural, custom: false, labelSelector, fieldSelector: '' }
}

/**
 * Path and query of a request for `resource` in its API version number `version`; parameters that are '' or undefined are
 * omitted. `namespace`: only objects in it.
 */
export function requestPath(
  resource: Resource,
  version: number,
  config: ClusterConfig,
  parameters: Readonly<Record<string, string | number | boolean | undefined>>,
  namespace = '',
): string {
  const { paths, labelSelector, fieldSelector, plural } = apiResources[resource]
  const query = new URLSearchParams()
  const all = { labelSelector: labelSelector(config), fieldSelector, ...parameters }
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined && value !== '') query.set(name, String(value))
  }
  const within = namespace === '' ? plural : `namespaces/${encodeURIComponent(namespace)}/${plural}`
  return `${paths[version].slice(0, -plural.length)}${within}?${query}`
}
