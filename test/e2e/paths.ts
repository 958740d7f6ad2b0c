/** Where the API server keeps objects of a kind. */

const resources: Readonly<Record<string, string>> = {
  ClusterRole: '/apis/rbac.authorization.k8s.io/v1 clusterroles',
  ClusterRoleBinding: '/apis/rbac.authorization.k8s.io/v1 clusterrolebindings',
  ConfigMap: '/api/v1 configmaps',
  Deployment: '/apis/apps/v1 deployments',
  EndpointSlice: '/apis/discovery.k8s.io/v1 endpointslices',
  Namespace: '/api/v1 namespaces',
  Pod: '/api/v1 pods',
  PodDisruptionBudget: '/apis/policy/v1 poddisruptionbudgets',
  Service: '/api/v1 services',
  ServiceAccount: '/api/v1 serviceaccounts',
}

/** The collection that the object is created in. */
export function collectionPath(object: object): string {
  const { kind, metadata } = object as { kind: string; metadata: { namespace?: string } }
  return path(kind, metadata.namespace ?? '')
}

/** `namespace` is '' for kinds without one. */
export function objectPath(kind: string, namespace: string, name: string): string {
  return `${path(kind, namespace)}/${name}`
}

function path(kind: string, namespace: string): string {
  const [group, resource] = resources[kind]?.split(' ') ?? []
  if (group === undefined)
    throw new Error(`where does the API server keep a ${kind}? Add it to ${import.meta.filename}`)
  return namespace === '' ? `${group}/${resource}` : `${group}/namespaces/${namespace}/${resource}`
}
