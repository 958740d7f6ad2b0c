import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createAllocator, TableFull } from '../../src/table/allocator.ts'

const size = 4 * 2 ** 20
const from = 5000

describe('the allocator', () => {
  it('the allocator gives blocks that are aligned, large enough and never overlap, whatever is taken and given back', () => {
    const request = fc.oneof(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 9000 }),
      fc.integer({ min: 8193, max: 60_000 }),
    )
    fc.assert(
      fc.property(fc.array(fc.tuple(request, fc.nat()), { maxLength: 300, size: 'max' }), (steps) => {
        const allocator = createAllocator(new Int32Array(size / 4), from)
        const live: { offset: number; octets: number }[] = []
        for (const [octets, pick] of steps) {
          if (pick % 3 === 0 && live.length > 0) allocator.free(live.splice(pick % live.length, 1)[0].offset)
          else live.push({ offset: allocator.allocate(octets), octets })
        }
        const byOffset = [...live].sort((a, b) => a.offset - b.offset)
        for (const [i, block] of byOffset.entries()) {
          assert.equal(block.offset % 16, 0)
          assert.ok(block.offset >= from)
          assert.ok(allocator.sizeOf(block.offset) >= block.octets)
          const end = block.offset + allocator.sizeOf(block.offset)
          assert.ok(end <= (byOffset[i + 1]?.offset ?? size))
        }
        for (const { offset } of live) allocator.free(offset)
        assert.equal(allocator.liveBytes(), 0)
      }),
      { numRuns: 200 },
    )
  })

  it('the allocator wastes at most a fifth of a block of more than 128 octets, up to 8 KiB', () => {
    const allocator = createAllocator(new Int32Array(size / 4), from)
    for (let octets = 129; octets <= 8192; octets++) {
      const offset = allocator.allocate(octets)
      assert.ok(allocator.sizeOf(offset) <= octets * 1.25, `${octets}`)
      allocator.free(offset)
    }
  })

  it('the allocator serves every size from memory that another size gave back', () => {
    const allocator = createAllocator(new Int32Array(size / 4), from)
    for (const octets of [16, 4000, 100_000, 64, 1_000_000, 500]) {
      const blocks: number[] = []
      for (let taken = 0; taken < 3 * 2 ** 20; taken += Math.max(octets, 16)) blocks.push(allocator.allocate(octets))
      for (const offset of blocks) allocator.free(offset)
    }
    assert.ok(allocator.committedBytes() <= size)
  })

  it('the allocator says how much was asked for when nothing is left, and goes on when something was given back', () => {
    const allocator = createAllocator(new Int32Array(size / 4), from)
    const half = allocator.allocate(2 * 2 ** 20)
    assert.throws(
      () => allocator.allocate(3 * 2 ** 20),
      (error) => error instanceof TableFull && /4 MiB reserved/.test(error.message),
    )
    allocator.free(half)
    allocator.allocate(3 * 2 ** 20)
  })
})
