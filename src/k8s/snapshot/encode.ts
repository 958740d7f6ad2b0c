/**
 * Encodes reduced objects as Kubernetes objects in the API server's format: the inverse of src/k8s/decode. Decoding the
 * octets gives an equal object. Field numbers: see src/k8s/decode/protobuf.ts. Only slices are packed (packed-slice.ts).
 */
import { PbfWriter } from 'pbf'
import { label } from '../model/labels.ts'
import {
  type EndpointSlice,
  everyPort,
  type Namespace,
  type Pod,
  type Reduced,
  type Resource,
  type Service,
  type ServiceImport,
  type ServicePort,
} from '../model/types.ts'
import { isJson } from './frames.ts'
import { writePlaces } from './packed-slice.ts'
import { writeText } from './write-text.ts'

export interface ObjectEncoder {
  /** Valid until the next call. */
  encode(object: Reduced): Uint8Array
}

export function createObjectEncoder(resource: Resource): ObjectEncoder {
  if (isJson(resource)) return { encode: (object) => Buffer.from(importText(object as ServiceImport)) }
  // Reused for all objects: it grows to the largest.
  let buffer: Uint8Array = new Uint8Array(64 * 1024)
  const write = writerOf(resource)
  return {
    encode(object) {
      const pbf = new PbfWriter(buffer)
      write(object, pbf)
      buffer = pbf.buf
      return pbf.finish()
    },
  }
}

function writerOf(resource: Resource): (object: Reduced, pbf: PbfWriter) => void {
  switch (resource) {
    case 'services':
      return (object, pbf) => writeService(object as Service, pbf)
    case 'namespaces':
      return (object, pbf) => writeNamespace(object as Namespace, pbf)
    case 'pods':
      return (object, pbf) => writePod(object as Pod, pbf)
    default:
      return (object, pbf) => writeSlice(object as EndpointSlice, resource === 'importedslices', pbf)
  }
}

interface Meta {
  readonly namespace?: string
  readonly name: string
  readonly uid?: string | undefined
  readonly createdAt?: number
  readonly terminating?: boolean
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

function writeMeta(meta: Meta, pbf: PbfWriter): void {
  writeText(pbf, 1, meta.name)
  if (meta.namespace) writeText(pbf, 3, meta.namespace)
  if (meta.uid) writeText(pbf, 5, meta.uid)
  if (meta.createdAt) pbf.writeMessage(8, writeTime, meta.createdAt)
  if (meta.terminating) pbf.writeMessage(9, writeTime, 0)
  for (const entry of Object.entries(meta.labels ?? {})) pbf.writeMessage(11, writeEntry, entry)
  for (const entry of Object.entries(meta.annotations ?? {})) pbf.writeMessage(12, writeEntry, entry)
}

function writeTime(seconds: number, pbf: PbfWriter): void {
  pbf.writeVarintField(1, seconds)
}

function writeEntry([key, value]: readonly [string, string], pbf: PbfWriter): void {
  writeText(pbf, 1, key)
  writeText(pbf, 2, value)
}

function writeNamespace(namespace: Namespace, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeMeta, namespace)
}

function writeService(service: Service, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeMeta, service)
  pbf.writeMessage(2, writeServiceSpec, service)
  if (service.ingress.length > 0) pbf.writeMessage(3, writeServiceStatus, service)
}

function writeServiceSpec(service: Service, pbf: PbfWriter): void {
  for (const port of service.ports) pbf.writeMessage(1, writePort, port)
  if (service.headless) writeText(pbf, 3, 'None')
  writeText(pbf, 4, service.type)
  for (const ip of service.externalIPs) writeText(pbf, 5, ip)
  if (service.externalName !== '') writeText(pbf, 10, service.externalName)
  if (service.publishNotReadyAddresses) pbf.writeBooleanField(13, true)
  for (const ip of service.clusterIPs) writeText(pbf, 18, ip)
}

function writeServiceStatus({ ingress }: Service, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeLoadBalancer, ingress)
}

function writeLoadBalancer(ingress: Service['ingress'], pbf: PbfWriter): void {
  for (const entry of ingress) pbf.writeMessage(1, writeIngress, entry)
}

function writeIngress({ ip, hostname }: Service['ingress'][number], pbf: PbfWriter): void {
  writeText(pbf, 1, ip)
  writeText(pbf, 2, hostname)
}

function writePort({ name, protocol, port }: ServicePort, pbf: PbfWriter): void {
  writeText(pbf, 1, name)
  writeText(pbf, 2, protocol)
  if (port !== everyPort) pbf.writeVarintField(3, port)
}

function writePod({ ips, ...meta }: Pod, pbf: PbfWriter): void {
  pbf.writeMessage(1, writeMeta, meta)
  pbf.writeMessage(3, writePodStatus, ips)
}

function writePodStatus(ips: readonly string[], pbf: PbfWriter): void {
  for (const ip of ips) pbf.writeMessage(12, writePodIP, ip)
}

function writePodIP(ip: string, pbf: PbfWriter): void {
  writeText(pbf, 1, ip)
}

function writeSlice(slice: EndpointSlice, imported: boolean, pbf: PbfWriter): void {
  const { namespace, name, uid, annotations, service, cluster } = slice
  const labels = {
    [imported ? label.importedService : label.service]: service,
    ...(cluster !== '' && { [label.sourceCluster]: cluster }),
  }
  pbf.writeMessage(1, writeMeta, { namespace, name, uid, annotations, labels })
  for (const port of slice.ports) pbf.writeMessage(3, writePort, port)
  writePlaces(slice, pbf)
}

function importText({ namespace, name, type, ips, ports }: ServiceImport): string {
  const numbered = ports.map(({ port, ...rest }) => (port === everyPort ? rest : { ...rest, port }))
  return JSON.stringify({ metadata: { namespace, name }, spec: { type, ips, ports: numbered } })
}
