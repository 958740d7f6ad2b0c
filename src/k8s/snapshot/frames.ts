/**
 * The objects of a section, each preceded by its length in four octets (big-endian). They are Kubernetes objects reduced to the
 * kept parts, in the API server's protobuf, ServiceImports in JSON: the decoder of API responses, with all its checks, also
 * reads snapshots. EndpointSlices are packed (packed-slice.ts).
 */
import { createByteQueue } from '../decode/byte-queue.ts'
import { MalformedObject } from '../decode/draft.ts'
import { jsonObject } from '../decode/json-stream.ts'
import type { Span } from '../decode/protobuf-fields.ts'
import { protobufObject } from '../decode/protobuf-stream.ts'
import type { Reducer } from '../decode/reduce.ts'
import { type BodyReader, largestObject, type WireObject } from '../decode/wire.ts'
import type { Resource } from '../model/types.ts'
import { packedSlice } from './packed-slice.ts'

export const frameHeader = 4

/** Custom resources have no protobuf form. */
export const isJson = (resource: Resource): boolean => resource === 'serviceimports'

const isSlices = (resource: Resource): boolean => resource === 'endpointslices' || resource === 'importedslices'

/** `next` throws MalformedObject. */
export function frameReader(resource: Resource, reducer: Reducer): BodyReader<WireObject> & { readonly left: number } {
  const queue = createByteQueue()
  const span: Span = { bytes: Buffer.alloc(0), start: 0, end: 0 }
  const inProtobuf = isSlices(resource) ? packedSlice(span, reducer) : protobufObject(span, reducer)
  return {
    push: queue.push,
    next() {
      if (queue.length < frameHeader) return undefined
      const length = queue.at(0) * 0x1000000 + ((queue.at(1) << 16) | (queue.at(2) << 8) | queue.at(3))
      if (length > largestObject) throw new MalformedObject(`an object of ${length} octets`)
      if (queue.length < frameHeader + length) return undefined
      queue.take(frameHeader)
      span.bytes = queue.take(length)
      span.end = length
      return isJson(resource) ? jsonObject(parse(span.bytes), reducer) : inProtobuf
    },
    get left() {
      return queue.length
    },
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
  } catch (error) {
    throw new MalformedObject((error as Error).message)
  }
}
