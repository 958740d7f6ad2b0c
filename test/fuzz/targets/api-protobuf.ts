/** Watches and lists of the API server in protobuf (the first line says which), through reducer and model. */
import { protobufList, protobufWatch } from '../../../src/k8s/decode/protobuf-stream.ts'
import type { Random } from '../../hostile/random.ts'
import { encodeFrame, encodeList, hasProtobuf } from '../../support/api-server/encode.ts'
import type { Target } from '../engine/target.ts'
import { checkBody } from '../lib/api-events.ts'
import { kubeObjects, statusObject } from '../lib/kube-objects.ts'

const objects = kubeObjects.filter(([, { kind }]) => hasProtobuf(kind))
const withLine = (line: string, ...bodies: readonly Uint8Array[]) =>
  Buffer.concat([Buffer.from(`${line}\n`), ...bodies])

export const target: Target = {
  seeds: [
    ...objects.map(([resource, object]) =>
      withLine(`watch ${resource}`, ...['ADDED', 'MODIFIED', 'DELETED'].map((type) => encodeFrame(type, object))),
    ),
    ...objects.map(([resource, object]) =>
      withLine(`list ${resource}`, encodeList({ apiVersion: 'v1', kind: 'List' }, [object, object], '17', 'next')),
    ),
    withLine('watch services', encodeFrame('ERROR', statusObject)),
  ],
  words: [
    'k8s\0',
    'watch endpointslices\n',
    'list services\n',
    'ADDED',
    'DELETED',
    'ERROR',
    'BOOKMARK',
    'None',
    'fd00::1',
    '10.0.0.1',
    'IPv4',
    'IPv6',
    'FQDN',
    '__proto__',
    'constructor',
    'slicedns.io/x',
    'kubernetes.io/service-name',
    'k8s.io/initial-events-end',
    Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f),
    Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
    Uint8Array.of(0, 0, 0, 4),
    Uint8Array.of(0x7f, 0xff, 0xff, 0xff),
    ...[0x0a, 0x12, 0x1a, 0x22, 0x2a, 0x08, 0x10, 0x0b, 0x0c, 0x0d, 0x09, 0x07].map((tag) => Uint8Array.of(tag)),
  ],
  maxOctets: 4000,
  maxSteps: (octets) => 200_000 + 4_000 * octets,
  mutate: fitFrame,
  check: (input) => checkBody({ watch: protobufWatch, list: protobufList }, input),
}

/** The length of the first frame fits what follows, or the length of a field what it has. */
function fitFrame(input: Uint8Array, random: Random): Uint8Array | undefined {
  const at = input.indexOf(10) + 1
  if (input.length < at + 8) return undefined
  const result = input.slice()
  if (random.chance(0.5)) new DataView(result.buffer).setUint32(at, result.length - at - 4)
  else {
    const field = at + 4 + random.below(result.length - at - 5)
    result[field] = Math.min(127, random.below(result.length - field))
  }
  return result
}
