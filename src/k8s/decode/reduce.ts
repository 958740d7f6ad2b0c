/**
 * Turns what a decoder read into the reduced form. Both decoders (protobuf, JSON) end here, so that their results agree.
 * Strings and port lists are shared, and unchanged slices are not copied again.
 */
import { canonicalAddress } from '../model/address.ts'
import { samePorts } from '../model/compare.ts'
import type { Namespace, Pod, Service, ServiceImport, ServicePort } from '../model/types.ts'
import { clusterScoped, type Keep, type MetaDraft, namespaced, type ServiceDraft } from './draft.ts'
import { createSliceBuilder, type SliceBuilder } from './slice-builder.ts'
import { createStringTable, type StringTable } from './strings.ts'

export interface Reducer {
  /** Decoders may skip what is not kept. */
  readonly keep: Keep
  readonly strings: StringTable
  /** Whether annotations with this key are kept. */
  keepsAnnotation(key: string): boolean
  service(draft: ServiceDraft): Service
  namespace(meta: MetaDraft): Namespace
  /** Undefined for a pod without an address. `ips`: may contain '' and duplicates. */
  pod(meta: MetaDraft, ips: readonly string[]): Pod | undefined
  serviceImport(meta: MetaDraft, type: string, ips: readonly string[], ports: readonly ServicePort[]): ServiceImport
  readonly slice: SliceBuilder
}

const noAnnotations: Readonly<Record<string, string>> = Object.freeze({})
const noLabels: Pod['labels'] = Object.freeze({})
const noTexts: readonly string[] = Object.freeze([])
const noIngress: Service['ingress'] = Object.freeze([])

export function createReducer(keep: Keep): Reducer {
  const strings = createStringTable()
  const ports = createPortLists()
  const annotations = (meta: MetaDraft) => meta.annotations ?? noAnnotations

  return {
    keep,
    strings,
    keepsAnnotation: (key) => keep.annotationPrefixes.some((prefix) => key.startsWith(prefix)),
    slice: createSliceBuilder(keep, ports.share),
    namespace: (meta) => ({ name: clusterScoped(meta), uid: meta.uid, annotations: annotations(meta) }),
    pod(meta, all) {
      const ips = [...new Set(all)].filter((ip) => ip !== '')
      if (ips.length === 0) return undefined
      return { ...namespaced(meta), ips, labels: meta.labels ?? noLabels, terminating: meta.terminating }
    },
    serviceImport: (meta, type, ips, portList) => ({
      ...namespaced(meta),
      type: type === 'Headless' ? 'Headless' : 'ClusterSetIP',
      ips: shared(ips.filter((ip) => canonicalAddress(ip) !== undefined)),
      ports: ports.share(portList),
    }),
    service(draft) {
      const { meta } = draft
      const type = serviceType(draft.type)
      // A Service from before dual stack has clusterIP only (docs/coredns-behaviour.md §4.7).
      const declared = draft.clusterIPs.length > 0 ? draft.clusterIPs : [draft.clusterIP]
      const headless = type !== 'ExternalName' && declared[0] === 'None'
      const addressed = type !== 'ExternalName' && !headless
      return {
        ...namespaced(meta),
        uid: meta.uid,
        type,
        headless,
        clusterIPs: addressed ? shared(declared.filter((ip) => canonicalAddress(ip) !== undefined)) : noTexts,
        externalName: draft.externalName,
        ports: ports.share(draft.ports),
        externalIPs: shared(draft.externalIPs),
        ingress: draft.ingress.length === 0 ? noIngress : draft.ingress,
        publishNotReadyAddresses: draft.publishNotReadyAddresses,
        annotations: annotations(meta),
        createdAt: meta.createdAt,
      }
    },
  }
}

function serviceType(text: string): Service['type'] {
  return text === 'NodePort' || text === 'LoadBalancer' || text === 'ExternalName' ? text : 'ClusterIP'
}

function shared(texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? noTexts : texts
}

/** Equal port lists are one object: most services of a cluster have the same two or three. Limited like `StringTable`. */
function createPortLists(): { share(ports: readonly ServicePort[]): readonly ServicePort[] } {
  const slots = 1024
  const table: (readonly ServicePort[] | undefined)[] = new Array(slots).fill(undefined)
  return {
    share(ports) {
      let hash = ports.length
      for (const { name, port } of ports) hash = Math.imul(hash ^ port ^ (name.length << 16), 0x9e3779b1)
      const slot = (hash ^ (hash >>> 16)) & (slots - 1)
      const known = table[slot]
      if (known !== undefined && samePorts(known, ports)) return known
      table[slot] = ports
      return ports
    },
  }
}
