import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { control, controlFrame, readControl } from '../../../src/plugins/dnstap/frames.ts'

describe('control frames of Frame Streams', () => {
  const hex: readonly (readonly [keyof typeof control, string])[] = [
    ['ready', '00000000000000220000000400000001000000 16'.replace(' ', '')],
    ['stop', '000000000000000400000003'],
  ]
  for (const [type, wanted] of hex)
    it(`the frame ${type} begins with ${wanted}`, () =>
      assert.equal(controlFrame(control[type]).toString('hex').slice(0, wanted.length), wanted))

  it('a frame that was written is read back, and is incomplete wherever it is cut', () => {
    for (const type of Object.values(control)) {
      const frame = controlFrame(type)
      const read = readControl(Buffer.concat([frame, Buffer.of(0, 0)]))
      assert.deepEqual(read, { kind: 'frame', type, octets: frame.length, ours: frame.length > 12 })
      for (let cut = 0; cut < frame.length; cut++) assert.equal(readControl(frame.subarray(0, cut)).kind, 'incomplete')
    }
  })

  it('a reader that sends data, an endless frame or a cut field is found out', () => {
    const reasons = [
      '00000001',
      '000000000000020100000001',
      '00000000000000080000000100000001',
      '000000000000000c000000010000000100000001',
    ]
      .map((text) => readControl(Buffer.from(text.padEnd(40, '0'), 'hex')))
      .map((read) => (read.kind === 'invalid' ? read.reason : read.kind))
    assert.deepEqual(reasons, [
      'a data frame from a reader',
      'a control frame of 513 octets',
      'a field of a control frame is cut',
      'a field of a control frame is cut',
    ])
  })

  it('any octets give a frame that lies inside them, or say what is wrong', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (rest) => {
        const octets = Buffer.concat([Buffer.alloc(4), rest])
        const read = readControl(octets)
        assert.ok(read.kind !== 'frame' || read.octets <= octets.length)
      }),
    )
  })
})
