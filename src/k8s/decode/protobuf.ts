/**
 * Reduces Kubernetes objects in protobuf directly from the wire: what DNS does not need is skipped unread (managedFields alone
 * are half of many objects). Field numbers are those of the generated.proto files of k8s.io/api and k8s.io/apimachinery,
 * which never change.
 */
import type { PbfReader } from 'pbf'
import { label } from '../model/labels.ts'
import type { Octets } from '../model/target-names.ts'
import { type EndpointSlice, everyPort, type Reduced, type Resource, type ServicePort } from '../model/types.ts'
import { MalformedObject, type MetaDraft, newMeta, newService, type ServiceDraft } from './draft.ts'
import { integer, lengthEnd, nested, type ReadField, readAll, type Span, text, truth } from './protobuf-fields.ts'
import type { Reducer } from './reduce.ts'
import type { EndpointFacts } from './slice-builder.ts'

/** metadata, which is field 1 of every object. Throws MalformedObject. */
export function protobufMeta(object: Span, reducer: Reducer): MetaDraft {
  const meta = newMeta()
  readAll(object, meta, readObject, reducer)
  return meta
}

/** Like `reduceJson`, for an object in protobuf. */
export function reduceProtobuf(
  resource: Resource,
  object: Span,
  meta: MetaDraft,
  reducer: Reducer,
  previous: EndpointSlice | undefined,
): Reduced | undefined {
  switch (resource) {
    case 'services': {
      const draft = newService(meta)
      readAll(object, draft, readService, reducer)
      return reducer.service(draft)
    }
    case 'endpointslices':
      return meta.service === '' ? undefined : readSlice(object, meta.service, meta, reducer, previous)
    case 'importedslices':
      return meta.importedService === '' ? undefined : readSlice(object, meta.importedService, meta, reducer, previous)
    case 'namespaces':
      return reducer.namespace(meta)
    case 'pods': {
      const pod: PodAddresses = { podIP: '', podIPs: [] }
      readAll(object, pod, readPod, reducer)
      return reducer.pod(meta, [...pod.podIPs, pod.podIP])
    }
    case 'serviceimports':
      throw new MalformedObject('a custom resource has no protobuf form')
  }
}

const readObject: ReadField<MetaDraft> = (field, meta, pbf, reducer) => {
  if (field === 1) nested(pbf, meta, reducer, readMetadata)
}

const readMetadata: ReadField<MetaDraft> = (field, meta, pbf, reducer) => {
  if (field === 1) meta.name = text(pbf, reducer)
  else if (field === 3) meta.namespace = text(pbf, reducer)
  else if (field === 5) meta.uid = text(pbf, reducer)
  else if (field === 6) meta.resourceVersion = text(pbf, reducer)
  else if (field === 8) nested(pbf, meta, reducer, readCreationTime)
  // Go omits a nil time, so presence is all that matters.
  else if (field === 9) meta.terminating = true
  else if (field === 11) nested(pbf, { key: '', meta }, reducer, readLabel)
  else if (field === 12) nested(pbf, { key: '', meta }, reducer, readAnnotation)
}

const readCreationTime: ReadField<MetaDraft> = (field, meta, pbf) => {
  if (field === 1) meta.createdAt = integer(pbf)
}

const readLabel: ReadField<{ key: string; meta: MetaDraft }> = (field, entry, pbf, reducer) => {
  if (field === 1) entry.key = text(pbf, reducer)
  if (field !== 2) return
  const { key, meta } = entry
  const isOurs = key === label.service || key === label.importedService || key === label.sourceCluster
  if (!isOurs && !reducer.keep.podLabels) return
  const value = text(pbf, reducer)
  if (reducer.keep.podLabels) {
    meta.labels ??= {}
    meta.labels[key] = value
  }
  if (key === label.service) meta.service = value
  else if (key === label.importedService) meta.importedService = value
  else if (key === label.sourceCluster) meta.sourceCluster = value
}

/** The value is read only for requested keys: others hold up to 256 KiB of other programs' state. */
const readAnnotation: ReadField<{ key: string; meta: MetaDraft }> = (field, entry, pbf, reducer) => {
  if (field === 1) entry.key = text(pbf, reducer)
  if (field !== 2) return
  if (entry.key === label.initialEventsEnd) {
    entry.meta.initialEventsEnd = text(pbf, reducer) === 'true'
  } else if (reducer.keepsAnnotation(entry.key)) {
    entry.meta.annotations ??= {}
    entry.meta.annotations[entry.key] = text(pbf, reducer)
  }
}

const readService: ReadField<ServiceDraft> = (field, draft, pbf, reducer) => {
  if (field === 2) nested(pbf, draft, reducer, readServiceSpec)
  else if (field === 3) nested(pbf, draft, reducer, readServiceStatus)
}

const readServiceSpec: ReadField<ServiceDraft> = (field, draft, pbf, reducer) => {
  if (field === 1) draft.ports.push(portOf(pbf, reducer))
  else if (field === 3) draft.clusterIP = text(pbf, reducer)
  else if (field === 4) draft.type = text(pbf, reducer)
  else if (field === 5) draft.externalIPs.push(text(pbf, reducer))
  else if (field === 10) draft.externalName = text(pbf, reducer)
  else if (field === 13) draft.publishNotReadyAddresses = truth(pbf)
  else if (field === 18) draft.clusterIPs.push(text(pbf, reducer))
}

const readServiceStatus: ReadField<ServiceDraft> = (field, draft, pbf, reducer) => {
  if (field === 1) nested(pbf, draft, reducer, readLoadBalancer)
}

const readLoadBalancer: ReadField<ServiceDraft> = (field, draft, pbf, reducer) => {
  if (field !== 1) return
  const ingress = { ip: '', hostname: '' }
  nested(pbf, ingress, reducer, readIngress)
  draft.ingress.push(ingress)
}

const readIngress: ReadField<{ ip: string; hostname: string }> = (field, ingress, pbf, reducer) => {
  if (field === 1) ingress.ip = text(pbf, reducer)
  else if (field === 2) ingress.hostname = text(pbf, reducer)
}

/** ServicePort and EndpointPort: both have name 1, protocol 2, port 3. */
const readPort: ReadField<{ name: string; protocol: string; port: number | undefined }> = (
  field,
  draft,
  pbf,
  reducer,
) => {
  if (field === 1) draft.name = text(pbf, reducer)
  else if (field === 2) draft.protocol = text(pbf, reducer)
  else if (field === 3) draft.port = integer(pbf)
}

interface PodAddresses {
  podIP: string
  readonly podIPs: string[]
}

const readPod: ReadField<PodAddresses> = (field, pod, pbf, reducer) => {
  if (field === 3) nested(pbf, pod, reducer, readPodStatus)
}

const readPodStatus: ReadField<PodAddresses> = (field, pod, pbf, reducer) => {
  if (field === 6) pod.podIP = text(pbf, reducer)
  else if (field === 12) nested(pbf, pod, reducer, readPodIP)
}

const readPodIP: ReadField<PodAddresses> = (field, pod, pbf, reducer) => {
  if (field === 1) pod.podIPs.push(text(pbf, reducer))
}

interface SliceFacts {
  addressType: string
  ports: ServicePort[]
}

/** addressType is field 4, after the endpoints (2), so a first pass that skips these reads it. */
function readSlice(
  object: Span,
  service: string,
  meta: MetaDraft,
  reducer: Reducer,
  previous: EndpointSlice | undefined,
): EndpointSlice {
  const facts: SliceFacts = { addressType: '', ports: [] }
  readAll(object, facts, readSliceFacts, reducer)
  reducer.slice.begin(facts.addressType)
  readAll(object, undefined, readSliceEndpoints, reducer)
  return reducer.slice.finish(meta, service, facts.ports, previous)
}

const readSliceFacts: ReadField<SliceFacts> = (field, facts, pbf, reducer) => {
  if (field === 3) facts.ports.push(portOf(pbf, reducer))
  else if (field === 4) facts.addressType = text(pbf, reducer)
}

interface EndpointDraft extends EndpointFacts {
  /** Start and end of each address in the buffer: addresses precede the facts that belong to them. */
  readonly ranges: number[]
}

/** Reused: a cluster has 150,000 endpoints, and each is packed at once. */
const endpoint: EndpointDraft = {
  ready: undefined,
  serving: undefined,
  terminating: undefined,
  hostname: '',
  podName: '',
  zone: '',
  pod: { bytes: new Uint8Array(0), start: 0, end: 0 },
  node: { bytes: new Uint8Array(0), start: 0, end: 0 },
  ranges: [],
}

const readSliceEndpoints: ReadField<undefined> = (field, _, pbf, reducer) => {
  if (field !== 2) return
  endpoint.ready = undefined
  endpoint.serving = undefined
  endpoint.terminating = undefined
  endpoint.hostname = ''
  endpoint.podName = ''
  endpoint.zone = ''
  endpoint.pod.end = endpoint.pod.start
  endpoint.node.end = endpoint.node.start
  endpoint.ranges.length = 0
  nested(pbf, endpoint, reducer, readEndpoint)
  reducer.slice.endpoint(endpoint)
  for (let i = 0; i < endpoint.ranges.length; i += 2) {
    reducer.slice.address(pbf.buf, endpoint.ranges[i], endpoint.ranges[i + 1])
  }
}

const readEndpoint: ReadField<EndpointDraft> = (field, endpoint, pbf, reducer) => {
  if (field === 1) {
    const end = lengthEnd(pbf)
    endpoint.ranges.push(pbf.pos, end)
    pbf.pos = end
  } else if (field === 2) nested(pbf, endpoint, reducer, readConditions)
  else if (field === 3) endpoint.hostname = text(pbf, reducer)
  else if (field === 4) nested(pbf, endpoint, reducer, readTargetRef)
  else if (field === 6) place(endpoint.node, pbf)
  else if (field === 7 && reducer.keep.zones) endpoint.zone = text(pbf, reducer)
}

const readConditions: ReadField<EndpointDraft> = (field, endpoint, pbf) => {
  if (field === 1) endpoint.ready = truth(pbf)
  else if (field === 2) endpoint.serving = truth(pbf)
  else if (field === 3) endpoint.terminating = truth(pbf)
}

const readTargetRef: ReadField<EndpointDraft> = (field, endpoint, pbf, reducer) => {
  if (field !== 3) return
  place(endpoint.pod, pbf)
  const { bytes, start, end } = endpoint.pod
  if (reducer.keep.podNames) endpoint.podName = reducer.strings.read(bytes, start, end)
}

/** Sets `octets` to the text of the current field. */
function place(octets: Octets, pbf: PbfReader): void {
  octets.end = lengthEnd(pbf)
  octets.bytes = pbf.buf
  octets.start = pbf.pos
  pbf.pos = octets.end
}

/** The port in the current field. */
export function portOf(pbf: PbfReader, reducer: Reducer): ServicePort {
  const draft: { name: string; protocol: string; port: number | undefined } = {
    name: '',
    protocol: '',
    port: undefined,
  }
  nested(pbf, draft, reducer, readPort)
  const { name, protocol, port: number = everyPort } = draft
  if (draft.port !== undefined && (number < 0 || number > 65_535)) {
    throw new MalformedObject(`port ${number} is not from 0 to 65535`)
  }
  return { name, protocol: reducer.strings.share(protocol.toLowerCase()) || 'tcp', port: number }
}
