/** Snapshot files: their header (`header`, then octets), and the frames of a section (`frames RESOURCE`). */
import assert from 'node:assert/strict'
import { jsonObject } from '../../../src/k8s/decode/json-stream.ts'
import { createReducer } from '../../../src/k8s/decode/reduce.ts'
import type { Resource } from '../../../src/k8s/model/types.ts'
import { createObjectEncoder } from '../../../src/k8s/snapshot/encode.ts'
import { frameReader } from '../../../src/k8s/snapshot/frames.ts'
import { checksumEnd, headerLength, headerLine, headerRest, parseHeader } from '../../../src/k8s/snapshot/header.ts'
import { SnapshotRefused } from '../../../src/k8s/snapshot/refusal.ts'
import { encodeObject, hasProtobuf, type KubeObject } from '../../support/api-server/encode.ts'
import type { Target } from '../engine/target.ts'
import { checkFrames, resources } from '../lib/api-events.ts'
import { kubeObjects } from '../lib/kube-objects.ts'

const sections = [{ resource: 'services', availability: 'synced', objects: 1, octets: 10 }] as const
const facts = { time: 1, cluster: 'c', options: 'o', serials: { cluster: 1, multicluster: 2, external: 3 }, sections }
const header = Buffer.concat([headerLine('a'.repeat(64)), headerRest(facts)])

function framed(octets: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(octets.length)
  return Buffer.concat([length, octets])
}

/** As a snapshot has it. */
function written(resource: Resource, object: KubeObject): Uint8Array {
  const reducer = createReducer({
    annotationPrefixes: ['slicedns.io/'],
    podNames: true,
    podLabels: true,
    zones: true,
    sliceUids: true,
  })
  const wire = jsonObject(object, reducer)
  const reduced = wire.reduce(resource, wire.meta(), undefined)
  return reduced === undefined ? encodeObject(object) : Buffer.from(createObjectEncoder(resource).encode(reduced))
}

export const target: Target = {
  seeds: [
    Buffer.concat([Buffer.from('header\n'), header.subarray(0, 400)]),
    ...kubeObjects
      .filter(([, { kind }]) => hasProtobuf(kind))
      .map(([resource, object]) => {
        const octets = framed(written(resource, object))
        return Buffer.concat([Buffer.from(`frames ${resource}\n`), octets, octets])
      }),
    Buffer.concat([
      Buffer.from('frames serviceimports\n'),
      framed(
        Buffer.from(
          '{"metadata":{"namespace":"a","name":"b"},"spec":{"type":"Headless","ips":["10.0.0.1"],"ports":[{"port":80}]}}',
        ),
      ),
    ]),
  ],
  words: [
    'header\n',
    'frames services\n',
    'frames endpointslices\n',
    'slicedns-snapshot 2 ',
    '{"time":',
    '"sections":[',
    '"octets":',
    '"__proto__":',
    '1e999',
    '-1',
    'null',
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0, 0, 0, 9),
    Uint8Array.of(0x7f, 0xff, 0xff, 0xff),
  ],
  maxOctets: 4500,
  maxSteps: (octets) => 100_000 + 4_000 * octets,
  check(input) {
    const end = input.indexOf(10)
    const [kind, resource] = Buffer.from(input.subarray(0, Math.max(0, end)))
      .toString('latin1')
      .split(' ')
    const body = Buffer.from(input.subarray(end + 1))
    if (kind === 'header') checkHeader(body)
    else {
      const of = resources.find((each) => each === resource) ?? 'services'
      checkFrames((reducer) => frameReader(of, reducer), of, body)
    }
  },
}

function checkHeader(octets: Buffer): void {
  try {
    const { facts: read, checksum } = parseHeader(
      Buffer.concat([octets, Buffer.alloc(headerLength, ' ')]).subarray(0, headerLength),
      'file',
    )
    assert.match(checksum, /^[0-9a-f]{64}$/)
    for (const { objects, octets: length } of read.sections) assert.ok(objects >= 0 && length >= 0)
    if (JSON.stringify(read).length > headerLength - checksumEnd) return
    const again = Buffer.concat([headerLine(checksum), headerRest(read)])
    assert.deepEqual(parseHeader(again, 'file'), { facts: read, checksum })
  } catch (error) {
    assert.ok(error instanceof SnapshotRefused, String(error))
    assert.match(error.message, /^file (?:is damaged: .|has version \d)/)
  }
}
