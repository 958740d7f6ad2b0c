/** Labels and annotations defined by Kubernetes. */
export const label = {
  /** Of an EndpointSlice: its Service. */
  service: 'kubernetes.io/service-name',
  /** Of an EndpointSlice: the imported Service (multi-cluster services API). */
  importedService: 'multicluster.kubernetes.io/service-name',
  /** Of an imported EndpointSlice: the cluster that it came from. */
  sourceCluster: 'multicluster.kubernetes.io/source-cluster',
  /** Of a Namespace: its name, set by the API server. */
  namespaceName: 'kubernetes.io/metadata.name',
  /** Annotation of the bookmark that ends the initial events of a streamed list. */
  initialEventsEnd: 'k8s.io/initial-events-end',
} as const
