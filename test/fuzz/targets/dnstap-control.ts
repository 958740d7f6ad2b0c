/** Control frames of dnstap's readers. */
import assert from 'node:assert/strict'
import { control, controlFrame, readControl } from '../../../src/plugins/dnstap/frames.ts'
import type { Target } from '../engine/target.ts'

export const target: Target = {
  seeds: [
    ...Object.values(control).map(controlFrame),
    Buffer.concat([controlFrame(control.ready), controlFrame(control.stop)]),
  ],
  words: [
    Uint8Array.of(0, 0, 0, 0),
    Uint8Array.of(0, 0, 0, 1),
    Uint8Array.of(0, 0, 2, 0),
    Uint8Array.of(0xff, 0xff, 0xff, 0xff),
    'protobuf:dnstap.Dnstap',
  ],
  maxOctets: 700,
  maxSteps: (octets) => 500 + 10 * octets,
  check(input) {
    const octets = Buffer.from(input)
    const read = readControl(octets)
    if (read.kind === 'frame') {
      assert.ok(read.octets >= 12 && read.octets <= octets.length && read.octets <= 520)
      assert.deepEqual(readControl(octets.subarray(0, read.octets)), read)
      assert.equal(readControl(octets.subarray(0, read.octets - 1)).kind, 'incomplete')
      assert.ok(!read.ours || octets.includes('protobuf:dnstap.Dnstap'))
    }
    for (let length = 0; length < Math.min(12, octets.length); length++)
      assert.notEqual(readControl(octets.subarray(0, length)).kind, 'frame')
  },
}
