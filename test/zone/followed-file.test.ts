/** A zone that follows its file, and the room that there is for it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createCooperativeScheduler } from '../../src/scheduling/cooperative-scheduler.ts'
import { followZoneFile } from '../../src/zone/followed-file.ts'
import { createZoneMemory } from '../../src/zone/zone-memory.ts'
import { createFakeClock } from '../support/fake-clock.ts'
import { createPluginHarness } from '../support/plugin-harness.ts'
import { until } from '../support/until.ts'

const kibibyte = 1024

describe('a zone that follows its file', () => {
  it('a file that had no room is read again when another zone has gone, and not before', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'zone-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'db')
    const write = (serial: number, hosts: number) =>
      writeFileSync(path, `@ 60 SOA ns host ${serial} 2 3 4 5\n$GENERATE 1-${hosts} h$ A 192.0.2.1\n`)
    write(1, 1)
    const clock = createFakeClock()
    const { log, lines } = createPluginHarness()
    const memory = createZoneMemory({ zones: 64 * kibibyte, limit: 1024 * kibibyte })
    const other = memory.reserve()
    other.take(56 * kibibyte, 1)
    let failures = 0
    let reserved = 0
    const followed = followZoneFile({
      settings: { zone: 'a.', reload: 1000, byTime: false },
      path,
      clock,
      log,
      memory: {
        ...memory,
        reserve() {
          reserved++
          return memory.reserve()
        },
      },
      scheduler: createCooperativeScheduler(clock),
      onChange: () => undefined,
      onFailure: () => void failures++,
    })
    t.after(followed.stop)
    followed.start()
    const look = (condition: () => void) =>
      until(() => {
        clock.advance(1000)
        condition()
      })
    write(2, 500)
    await look(() => assert.match(lines.join('\n'), /Parsing zone "a\.": with \d+ records/))
    const before = reserved
    clock.advance(5000)
    assert.equal(reserved, before)
    assert.equal(followed.current?.serial, 1)
    other.release()
    await look(() => assert.equal(followed.current?.serial, 2))
    assert.equal(followed.current?.size, 501)
    assert.equal(failures, 1)
  })
})
