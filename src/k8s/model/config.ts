/** Which cluster is watched, how it is reached, and what of its objects is kept. */

/** Where the state is kept for a start without the API server. */
export interface SnapshotConfig {
  /** An absolute path. */
  readonly file: string
  /** Milliseconds. An older one is not used. */
  readonly maxAge: number
}

export interface ClusterConfig {
  readonly source:
    | { readonly kind: 'in-cluster' }
    | { readonly kind: 'endpoint'; readonly url: string; readonly tls?: { cert: string; key: string; ca: string } }
    | { readonly kind: 'kubeconfig'; readonly file: string; readonly context: string }
    | { readonly kind: 'manifests'; readonly directory: string }
  /** Label selectors as in the API (`labels`, `namespace_labels`), or ''. */
  readonly labels: string
  readonly namespaceLabels: string
  readonly endpointSlices: boolean
  readonly pods: boolean
  readonly serviceImports: boolean
  readonly podNames: boolean
  readonly podLabels: boolean
  readonly zones: boolean
  readonly sliceUids: boolean
  /** Annotation key prefixes to keep: `slicedns.io/`, `txt.slicedns.io/`. */
  readonly annotationPrefixes: readonly string[]
}
