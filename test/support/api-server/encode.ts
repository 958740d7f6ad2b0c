/** Kubernetes objects to protobuf, as an API server sends them: the mirror of what src/k8s/decode/protobuf.ts reads. */
import { PbfWriter } from 'pbf'

// biome-ignore lint/suspicious/noExplicitAny: Kubernetes objects as JSON has them, reached into by path
export type KubeObject = Record<string, any>

type Write = (value: KubeObject, pbf: PbfWriter) => void

const writers: Readonly<Record<string, Write>> = {
  Service: writeService,
  EndpointSlice: writeSlice,
  Namespace: (object, pbf) => pbf.writeMessage(1, writeMeta, object.metadata ?? {}),
  Pod: writePod,
  Status: writeStatus,
}

/** True for kinds that have a protobuf form here. */
export function hasProtobuf(kind: string): boolean {
  return Object.hasOwn(writers, kind)
}

/** The object's message alone. */
export function encodeObject(object: KubeObject): Buffer {
  const pbf = new PbfWriter()
  writers[object.kind](object, pbf)
  return Buffer.from(pbf.finish())
}

/** The message inside a runtime.Unknown behind the magic prefix. */
export function encodeUnknown(apiVersion: string, kind: string, raw: Uint8Array): Buffer {
  const pbf = new PbfWriter()
  pbf.writeMessage(
    1,
    (type: KubeObject, inner: PbfWriter) => {
      writeText(inner, 1, type.apiVersion)
      writeText(inner, 2, type.kind)
    },
    { apiVersion, kind },
  )
  pbf.writeBytesField(2, raw)
  writeText(pbf, 3, '')
  writeText(pbf, 4, '')
  return Buffer.concat([Buffer.from('k8s\0'), pbf.finish()])
}

/** A frame of a watch: length, WatchEvent. `raw`: in place of the encoded object. */
export function encodeFrame(type: string, object: KubeObject, raw?: Uint8Array): Buffer {
  const pbf = new PbfWriter()
  const bytes = raw ?? encodeUnknown(object.apiVersion ?? 'v1', object.kind, encodeObject(object))
  writeText(pbf, 1, type)
  pbf.writeMessage(2, (value: Uint8Array, inner: PbfWriter) => inner.writeBytesField(1, value), bytes)
  const event = pbf.finish()
  const length = Buffer.alloc(4)
  length.writeUInt32BE(event.length)
  return Buffer.concat([length, event])
}

export function encodeList(
  { apiVersion, kind }: { readonly apiVersion: string; readonly kind: string },
  objects: readonly KubeObject[],
  version: string,
  token: string,
): Buffer {
  const pbf = new PbfWriter()
  pbf.writeMessage(
    1,
    (_: null, inner: PbfWriter) => {
      writeText(inner, 1, '')
      writeText(inner, 2, version)
      writeText(inner, 3, token)
    },
    null,
  )
  for (const object of objects) pbf.writeBytesField(2, encodeObject(object))
  return encodeUnknown(apiVersion, kind, pbf.finish())
}

function writeMeta(meta: KubeObject, pbf: PbfWriter): void {
  writeText(pbf, 1, meta.name ?? '')
  writeText(pbf, 2, '')
  writeText(pbf, 3, meta.namespace ?? '')
  writeText(pbf, 4, '')
  writeText(pbf, 5, meta.uid ?? '')
  writeText(pbf, 6, meta.resourceVersion ?? '')
  pbf.writeVarintField(7, 0)
  if (meta.creationTimestamp !== undefined) {
    pbf.writeMessage(8, writeTime, Math.floor(Date.parse(meta.creationTimestamp) / 1000))
  }
  if (meta.deletionTimestamp !== undefined) {
    pbf.writeMessage(9, writeTime, Math.floor(Date.parse(meta.deletionTimestamp) / 1000))
  }
  for (const entry of Object.entries(meta.labels ?? {})) pbf.writeMessage(11, writeEntry, entry)
  for (const entry of Object.entries(meta.annotations ?? {})) pbf.writeMessage(12, writeEntry, entry)
  // managedFields, which nobody reads: there on every real object.
  pbf.writeMessage(17, (manager: string, inner: PbfWriter) => writeText(inner, 1, manager), 'kubectl')
}

function writeTime(seconds: number, pbf: PbfWriter): void {
  pbf.writeVarintField(1, seconds)
  pbf.writeVarintField(2, 0)
}

function writeEntry([key, value]: [string, unknown], pbf: PbfWriter): void {
  writeText(pbf, 1, key)
  writeText(pbf, 2, String(value))
}

function writeService(object: KubeObject, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeMeta, object.metadata ?? {})
  pbf.writeMessage(2, writeServiceSpec, object.spec ?? {})
  pbf.writeMessage(3, writeServiceStatus, object.status ?? {})
}

function writeServiceSpec(spec: KubeObject, pbf: PbfWriter): void {
  for (const port of spec.ports ?? []) pbf.writeMessage(1, writeServicePort, port)
  for (const entry of Object.entries(spec.selector ?? {})) pbf.writeMessage(2, writeEntry, entry)
  writeText(pbf, 3, spec.clusterIP ?? '')
  writeText(pbf, 4, spec.type ?? '')
  for (const ip of spec.externalIPs ?? []) writeText(pbf, 5, ip)
  writeText(pbf, 7, 'None')
  writeText(pbf, 10, spec.externalName ?? '')
  if (spec.publishNotReadyAddresses !== undefined) pbf.writeBooleanField(13, spec.publishNotReadyAddresses)
  for (const ip of spec.clusterIPs ?? []) writeText(pbf, 18, ip)
}

function writeServicePort(port: KubeObject, pbf: PbfWriter): void {
  writeText(pbf, 1, port.name ?? '')
  writeText(pbf, 2, port.protocol ?? '')
  pbf.writeVarintField(3, port.port)
  pbf.writeMessage(4, writeTime, port.port)
  pbf.writeVarintField(5, port.nodePort ?? 0)
}

function writeServiceStatus(status: KubeObject, pbf: PbfWriter): void {
  pbf.writeMessage(
    1,
    (balancer: KubeObject, inner: PbfWriter) => {
      for (const ingress of balancer.ingress ?? []) inner.writeMessage(1, writeIngress, ingress)
    },
    status.loadBalancer ?? {},
  )
}

function writeIngress(ingress: KubeObject, pbf: PbfWriter): void {
  writeText(pbf, 1, ingress.ip ?? '')
  writeText(pbf, 2, ingress.hostname ?? '')
}

function writeSlice(object: KubeObject, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeMeta, object.metadata ?? {})
  for (const endpoint of object.endpoints ?? []) pbf.writeMessage(2, writeEndpoint, endpoint)
  for (const port of object.ports ?? []) pbf.writeMessage(3, writeEndpointPort, port)
  writeText(pbf, 4, object.addressType ?? '')
}

function writeEndpoint(endpoint: KubeObject, pbf: PbfWriter): void {
  for (const address of endpoint.addresses ?? []) writeText(pbf, 1, address)
  pbf.writeMessage(2, writeConditions, endpoint.conditions ?? {})
  if (endpoint.hostname !== undefined) writeText(pbf, 3, endpoint.hostname)
  if (endpoint.targetRef !== undefined) pbf.writeMessage(4, writeReference, endpoint.targetRef)
  if (endpoint.nodeName !== undefined) writeText(pbf, 6, endpoint.nodeName)
  if (endpoint.zone !== undefined) writeText(pbf, 7, endpoint.zone)
}

function writeConditions(conditions: KubeObject, pbf: PbfWriter): void {
  for (const [field, name] of ['ready', 'serving', 'terminating'].entries()) {
    if (typeof conditions[name] === 'boolean') pbf.writeBooleanField(field + 1, conditions[name])
  }
}

function writeReference(reference: KubeObject, pbf: PbfWriter): void {
  writeText(pbf, 1, reference.kind ?? '')
  writeText(pbf, 2, reference.namespace ?? '')
  writeText(pbf, 3, reference.name ?? '')
}

function writeEndpointPort(port: KubeObject, pbf: PbfWriter): void {
  if (port.name !== undefined) writeText(pbf, 1, port.name)
  if (port.protocol !== undefined) writeText(pbf, 2, port.protocol)
  if (typeof port.port === 'number') pbf.writeVarintField(3, port.port)
}

function writePod(object: KubeObject, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeMeta, object.metadata ?? {})
  pbf.writeMessage(2, (node: string, inner: PbfWriter) => writeText(inner, 10, node), 'node-1')
  pbf.writeMessage(
    3,
    (status: KubeObject, inner: PbfWriter) => {
      writeText(inner, 1, status.phase ?? '')
      writeText(inner, 6, status.podIP ?? '')
      for (const address of status.podIPs ?? [])
        inner.writeMessage(12, ({ ip }: KubeObject, entry: PbfWriter) => writeText(entry, 1, ip), address)
    },
    object.status ?? {},
  )
}

function writeStatus(status: KubeObject, pbf: PbfWriter): void {
  pbf.writeMessage(1, (resourceVersion: string, inner: PbfWriter) => writeText(inner, 2, resourceVersion), '')
  writeText(pbf, 2, status.status ?? '')
  writeText(pbf, 3, status.message ?? '')
  writeText(pbf, 4, status.reason ?? '')
  if (status.details !== undefined) {
    pbf.writeMessage(
      5,
      (details: KubeObject, inner: PbfWriter) => {
        for (const cause of details.causes ?? []) inner.writeMessage(4, writeCause, cause)
        inner.writeVarintField(5, details.retryAfterSeconds ?? 0)
      },
      status.details,
    )
  }
  pbf.writeVarintField(6, status.code ?? 0)
}

function writeCause(cause: KubeObject, pbf: PbfWriter): void {
  writeText(pbf, 1, cause.reason ?? '')
}

/** pbf writes characters beyond U+FFFF wrongly (5.1.2). */
function writeText(pbf: PbfWriter, field: number, text: string): void {
  pbf.writeBytesField(field, Buffer.from(text))
}
