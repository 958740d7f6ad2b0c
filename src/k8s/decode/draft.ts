/** What the decoders read from an object before it is reduced, and the error for a malformed one. */

import type { ClusterConfig } from '../model/config.ts'
import type { ServicePort } from '../model/types.ts'

/** Which optional parts of an object are kept. */
export type Keep = Pick<ClusterConfig, 'annotationPrefixes' | 'podNames' | 'podLabels' | 'zones' | 'sliceUids'>

/** An object that does not match its declared kind. It is skipped; `message` names the defect. */
export class MalformedObject extends Error {
  override name = 'MalformedObject'
}

export interface MetaDraft {
  namespace: string
  name: string
  uid: string
  resourceVersion: string
  /** Seconds since 1970. */
  createdAt: number
  /** It has a deletionTimestamp. */
  terminating: boolean
  /** kubernetes.io/service-name. */
  service: string
  /** multicluster.kubernetes.io/service-name. */
  importedService: string
  /** multicluster.kubernetes.io/source-cluster. */
  sourceCluster: string
  annotations: Record<string, string> | undefined
  /** Read only if labels of pods are kept. */
  labels: Record<string, string> | undefined
  /** The annotation k8s.io/initial-events-end of a bookmark. */
  initialEventsEnd: boolean
}

export interface ServiceDraft {
  meta: MetaDraft
  type: string
  clusterIP: string
  clusterIPs: string[]
  externalName: string
  ports: ServicePort[]
  externalIPs: string[]
  ingress: { ip: string; hostname: string }[]
  publishNotReadyAddresses: boolean
}

export function newMeta(): MetaDraft {
  return {
    namespace: '',
    name: '',
    uid: '',
    resourceVersion: '',
    createdAt: 0,
    terminating: false,
    service: '',
    importedService: '',
    sourceCluster: '',
    annotations: undefined,
    labels: undefined,
    initialEventsEnd: false,
  }
}

export function newService(meta: MetaDraft): ServiceDraft {
  return {
    meta,
    type: '',
    clusterIP: '',
    clusterIPs: [],
    externalName: '',
    ports: [],
    externalIPs: [],
    ingress: [],
    publishNotReadyAddresses: false,
  }
}

/** The namespace and name of a namespaced object. Throws MalformedObject when either is not valid. */
export function namespaced(meta: MetaDraft): { namespace: string; name: string } {
  if (!isName(meta.namespace)) {
    throw new MalformedObject(`metadata.namespace ${JSON.stringify(meta.namespace)} is not a name`)
  }
  return { namespace: meta.namespace, name: clusterScoped(meta) }
}

/** The name of an object without namespace. Throws MalformedObject when the name is invalid. */
export function clusterScoped(meta: MetaDraft): string {
  if (isName(meta.name)) return meta.name
  throw new MalformedObject(`metadata.name ${JSON.stringify(meta.name)} is not a name`)
}

/** Lower-case letters, digits, `-` and `.`, as the API server requires for every object that is watched here. */
function isName(text: string): boolean {
  if (text.length === 0 || text.length > 253) return false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (!((c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x2e)) return false
  }
  return true
}
