/**
 * EndpointSlices in the model's form: the octets of all addresses, flags and target names are stored together, because decoding
 * 150,000 endpoints one by one would take most of a start. Metadata, ports and address type are fields of the API's message;
 * fields above 100 belong to this format.
 */
import type { PbfReader, PbfWriter } from 'pbf'
import { MalformedObject, type MetaDraft } from '../decode/draft.ts'
import { portOf, protobufMeta } from '../decode/protobuf.ts'
import { octets, type ReadField, readAll, type Span, text } from '../decode/protobuf-fields.ts'
import type { Reducer } from '../decode/reduce.ts'
import type { SlicePlaces } from '../decode/slice-builder.ts'
import type { WireObject } from '../decode/wire.ts'
import type { EndpointSlice, ServicePort } from '../model/types.ts'
import { writeText } from './write-text.ts'

const field = {
  ports: 3,
  addressType: 4,
  addresses: 101,
  flags: 102,
  targets: 103,
  hostname: 104,
  pod: 105,
  zone: 106,
  fqdn: 107,
}

/** All but the metadata and the ports. */
export function writePlaces(slice: EndpointSlice, pbf: PbfWriter): void {
  const { addressType, addresses, flags, targets, hostnames, podNames, zones, fqdns } = slice
  writeText(pbf, field.addressType, addressType)
  pbf.writeBytesField(field.addresses, addresses)
  pbf.writeBytesField(field.flags, flags)
  // One octet per character.
  if (targets !== '') pbf.writeBytesField(field.targets, Buffer.from(targets, 'latin1'))
  writeTexts(field.hostname, hostnames, pbf)
  writeTexts(field.pod, podNames, pbf)
  writeTexts(field.zone, zones, pbf)
  writeTexts(field.fqdn, fqdns, pbf)
}

function writeTexts(number: number, texts: readonly string[] | undefined, pbf: PbfWriter): void {
  for (const each of texts ?? []) writeText(pbf, number, each)
}

/** The slice in `span`. */
export function packedSlice(span: Span, reducer: Reducer): WireObject {
  return {
    meta: () => protobufMeta(span, reducer),
    reduce(resource, meta) {
      const service = resource === 'importedslices' ? meta.importedService : meta.service
      return service === '' ? undefined : readSlice(span, service, meta, reducer)
    },
    status() {
      throw new MalformedObject('an EndpointSlice is not a Status')
    },
  }
}

interface Draft extends SlicePlaces {
  addressType: string
  addresses: Uint8Array
  flags: Uint8Array
  targets: string
  readonly hostnames: string[]
  readonly podNames: string[]
  readonly zones: string[]
  readonly fqdns: string[]
  readonly ports: ServicePort[]
}

const none = new Uint8Array(0)

function readSlice(span: Span, service: string, meta: MetaDraft, reducer: Reducer): EndpointSlice {
  const draft: Draft = {
    addressType: '',
    addresses: none,
    flags: none,
    targets: '',
    hostnames: [],
    podNames: [],
    zones: [],
    fqdns: [],
    ports: [],
  }
  readAll(span, draft, readPlaces, reducer)
  return reducer.slice.whole(meta, service, draft.ports, draft)
}

const readPlaces: ReadField<Draft> = (number, draft, pbf, reducer) => {
  if (number === field.ports) draft.ports.push(portOf(pbf, reducer))
  else if (number === field.addressType) draft.addressType = text(pbf, reducer)
  else if (number === field.addresses) draft.addresses = copy(pbf)
  else if (number === field.flags) draft.flags = copy(pbf)
  else if (number === field.targets) draft.targets = latin1(pbf)
  else if (number === field.hostname) draft.hostnames.push(text(pbf, reducer))
  else if (number === field.pod) draft.podNames.push(text(pbf, reducer))
  else if (number === field.zone) draft.zones.push(text(pbf, reducer))
  else if (number === field.fqdn) draft.fqdns.push(text(pbf, reducer))
}

const found: Span = { bytes: none, start: 0, end: 0 }

/** A copy, because what is kept must not keep the whole chunk alive. */
function copy(pbf: PbfReader): Uint8Array {
  octets(pbf, found)
  return new Uint8Array(found.bytes.subarray(found.start, found.end))
}

function latin1(pbf: PbfReader): string {
  octets(pbf, found)
  const { bytes, start, end } = found
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
