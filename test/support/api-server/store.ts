/** The objects of the test API server, with versions and the history that watches are served from. */
import { parseSelector } from '../../../src/k8s/manifests/selector.ts'
import type { KubeObject } from './encode.ts'

export interface ResourceFacts {
  /** Path below the server's root. */
  readonly path: string
  readonly apiVersion: string
  readonly kind: string
  readonly group: string
  readonly plural: string
}

export const served: readonly ResourceFacts[] = [
  facts('/api/v1/services', 'v1', 'Service'),
  facts('/api/v1/namespaces', 'v1', 'Namespace'),
  facts('/api/v1/pods', 'v1', 'Pod'),
  facts('/apis/discovery.k8s.io/v1/endpointslices', 'discovery.k8s.io/v1', 'EndpointSlice'),
  facts('/apis/multicluster.x-k8s.io/v1alpha1/serviceimports', 'multicluster.x-k8s.io/v1alpha1', 'ServiceImport'),
  facts('/apis/multicluster.x-k8s.io/v1beta1/serviceimports', 'multicluster.x-k8s.io/v1beta1', 'ServiceImport'),
]

export interface Change {
  readonly version: number
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly object: KubeObject
  /** The object before; undefined for ADDED. */
  readonly before: KubeObject | undefined
}

export interface Store {
  readonly version: number
  /** History up to and with this version is forgotten. */
  readonly compacted: number
  put(object: KubeObject): Change
  /** Throws when there is no such object. */
  delete(kind: string, namespace: string, name: string): Change
  /** In the order of their keys, as etcd lists them. */
  list(kind: string): KubeObject[]
  since(kind: string, version: number): Change[]
  compact(): void
  /** Goes to a version far ahead or back: a restored backup. */
  setVersion(version: number): void
}

export function createStore(): Store {
  const objects = new Map<string, KubeObject>()
  let history: Change[] = []
  let version = 100
  let compacted = 0
  const key = (kind: string, namespace: string, name: string) => `${kind}/${namespace}/${name}`
  const record = (change: Change): Change => {
    history.push(change)
    return change
  }
  return {
    get version() {
      return version
    },
    get compacted() {
      return compacted
    },
    put(object) {
      const { namespace = '', name } = object.metadata
      const at = key(object.kind, namespace, name)
      const before = objects.get(at)
      const kind = served.find((resource) => resource.kind === object.kind)
      if (kind === undefined) throw new Error(`the test API server does not serve ${object.kind}`)
      const stored = {
        apiVersion: kind.apiVersion,
        ...object,
        metadata: { uid: `uid-${at}`, ...object.metadata, resourceVersion: String(++version) },
      }
      objects.set(at, stored)
      return record({ version, type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored, before })
    },
    delete(kind, namespace, name) {
      const at = key(kind, namespace, name)
      const before = objects.get(at)
      if (before === undefined) throw new Error(`${at} is not there`)
      objects.delete(at)
      const last = { ...before, metadata: { ...before.metadata, resourceVersion: String(++version) } }
      return record({ version, type: 'DELETED', object: last, before })
    },
    list: (kind) =>
      [...objects]
        .filter(([at]) => at.startsWith(`${kind}/`))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, object]) => object),
    since: (kind, from) => history.filter((change) => change.version > from && change.object.kind === kind),
    compact() {
      compacted = version
      history = []
    },
    setVersion(to) {
      version = to
      history = []
    },
  }
}

/** labelSelector and fieldSelector of a request; of the latter only `path!=value` and `path=value`. */
export function matcher(query: URLSearchParams): (object: KubeObject) => boolean {
  const labels = parseSelector(query.get('labelSelector') ?? '')
  const fields = (query.get('fieldSelector') ?? '').split(',').filter((part) => part !== '')
  return (object) =>
    labels(object.metadata.labels ?? {}) &&
    fields.every((field) => {
      const [, path, operator, value] = /^([\w.]+)(!=|=)(.*)$/.exec(field)!
      const found = path.split('.').reduce<KubeObject | undefined>((at, part) => at?.[part], object) ?? ''
      return (String(found) === value) === (operator === '=')
    })
}

/** As a watch with a selector sees a change: undefined when neither side matches. */
export function seenThrough(matches: (object: KubeObject) => boolean, change: Change): Change | undefined {
  const was = change.before !== undefined && matches(change.before)
  const is = change.type !== 'DELETED' && matches(change.object)
  if (!was && !is) return undefined
  return { ...change, type: is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED' }
}

function facts(path: string, apiVersion: string, kind: string): ResourceFacts {
  const parts = path.split('/')
  return {
    path,
    apiVersion,
    kind,
    group: apiVersion.includes('/') ? apiVersion.split('/')[0] : '',
    plural: parts.at(-1)!,
  }
}
