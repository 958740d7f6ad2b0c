/**
 * Reduced objects back into Kubernetes objects, as the API server writes them: the mirror of src/k8s/decode. What a decoder
 * makes of the octets is the object that they were made from. Field numbers: see src/k8s/decode/protobuf.ts.
 */
import { PbfWriter } from 'pbf'
import { formatAddress } from '../model/address.ts'
import { label } from '../model/labels.ts'
import { targetNames } from '../model/target-names.ts'
import {
  type EndpointSlice,
  endpointFlag,
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

export interface ObjectEncoder {
  /** Valid until the next call. */
  encode(object: Reduced): Uint8Array
}

export function createObjectEncoder(resource: Resource): ObjectEncoder {
  if (isJson(resource)) return { encode: (object) => Buffer.from(importText(object as ServiceImport)) }
  // One for all objects: it grows to the largest.
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
  const targets = targetNames(slice.targets, slice.count)
  for (let index = 0; index < slice.count; index++) {
    const { pod, node } = targets[index]
    pbf.writeMessage(2, writeEndpoint, { slice, index, pod: slice.podNames?.[index] || pod, node })
  }
  for (const port of slice.ports) pbf.writeMessage(3, writePort, port)
  writeText(pbf, 4, slice.addressType)
}

interface Place {
  readonly slice: EndpointSlice
  readonly index: number
  readonly pod: string
  readonly node: string
}

/** A place is an endpoint with one address: those of one with two stand behind each other and have the same facts. */
function writeEndpoint({ slice, index, pod, node }: Place, pbf: PbfWriter): void {
  writeText(pbf, 1, addressText(slice, index))
  pbf.writeMessage(2, writeConditions, slice.flags[index])
  const hostname = slice.hostnames?.[index] ?? ''
  const zone = slice.zones?.[index] ?? ''
  if (hostname !== '') writeText(pbf, 3, hostname)
  if (pod !== '') pbf.writeMessage(4, writeTarget, pod)
  if (node !== '') writeText(pbf, 6, node)
  if (zone !== '') writeText(pbf, 7, zone)
}

function addressText({ addressType, addresses, fqdns }: EndpointSlice, index: number): string {
  if (addressType === 'FQDN') return fqdns?.[index] ?? ''
  const size = addressType === 'IPv4' ? 4 : 16
  return formatAddress(addresses, index * size, size)
}

function writeConditions(flags: number, pbf: PbfWriter): void {
  pbf.writeBooleanField(1, (flags & endpointFlag.ready) !== 0)
  pbf.writeBooleanField(2, (flags & endpointFlag.serving) !== 0)
  if (flags & endpointFlag.terminating) pbf.writeBooleanField(3, true)
}

function writeTarget(pod: string, pbf: PbfWriter): void {
  writeText(pbf, 3, pod)
}

function importText({ namespace, name, type, ips, ports }: ServiceImport): string {
  const numbered = ports.map(({ port, ...rest }) => (port === everyPort ? rest : { ...rest, port }))
  return JSON.stringify({ metadata: { namespace, name }, spec: { type, ips, ports: numbered } })
}

/** pbf writes characters beyond U+FFFF wrongly (5.1.2), in JavaScript two surrogates. */
function writeText(pbf: PbfWriter, field: number, text: string): void {
  if (/[\ud800-\udfff]/.test(text)) pbf.writeBytesField(field, Buffer.from(text))
  else pbf.writeStringField(field, text)
}
