/** Laws that hold while a writer replaces, removes, grows and reclaims, and real threads read. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createTable } from '../../src/table/index.ts'
import { runs } from '../support/effort.ts'
import { until } from '../support/until.ts'
import { zoneName, zoneSpec } from './arbitraries.ts'
import { cachedEntry, nameOf, nodeOf, shared } from './versions.ts'

const names = 40
const readers = 2
/** Enough that rebuilding, eviction and reuse all happen many times; a few seconds. */
const wantedAnswers = runs(150_000)
const wantedChanges = runs(15_000)

describe('readers of a table that is written', () => {
  it('every reader sees one whole published answer, never an older one after a newer, and memory stays bounded', async () => {
    const table = createTable({ reserveBytes: 2 ** 27, counterBytes: 2 ** 20, maxCachedEntries: names / 2 })
    const space = table.createSpace()
    const profileId = table.defineProfile(space, {
      server: 'dns://:53',
      zone: '.',
      view: '',
      plugin: 'kubernetes',
      shuffle: true,
      maxPayload: 0,
    })
    table.zone(space, zoneSpec({ serial: 0, ttl: 0 }))
    const apex = { zone: zoneName, below: 'closed', otherTypes: 'nodata', answers: new Map() } as const
    table.put(space, profileId, zoneName, apex)
    const board = new SharedArrayBuffer(64)
    const cells = new Int32Array(board)

    const threads = Array.from({ length: readers }, () => {
      const reader = table.addReader()
      const worker = new Worker(new URL('./reader-thread.ts', import.meta.url), {
        workerData: { handle: table.handle, slot: reader.slot, space, names, board },
      })
      return { reader, told: once(worker, 'message'), gone: once(worker, 'exit') }
    })
    let failed = false
    for (const { told } of threads) void told.then(() => (failed = true))

    const start = table.stats()
    let version = 0
    let fillers = 0
    function change(): void {
      version++
      const i = version % names
      if (version % 11 === 0) table.remove(space, nameOf(i))
      else table.put(space, profileId, nameOf(i), nodeOf(version))
      if (version % 5 === 0) table.zone(space, zoneSpec({ serial: version, ttl: version % 1000 }))
      if (version % 3 === 0) table.putCached(space, profileId, cachedEntry(i, version))
      // Names come in thousands and go again, so that the slot array is rebuilt and marks of removed names abound.
      if (version % 4000 < 2000) table.put(space, profileId, `f${fillers++}.${zoneName}`, apex)
      else if (fillers > 0) table.remove(space, `f${--fillers}.${zoneName}`)
    }
    while (!failed && (version < wantedChanges || Atomics.load(cells, shared.answers) < wantedAnswers)) {
      for (let i = 0; i < 200; i++) change()
      // Readers pass while they read: what was retired comes free without waiting for them to stop.
      await until(
        () => {
          table.reclaim()
          assert.ok(failed || table.stats().retiredBytes < 2 ** 20)
        },
        { every: 1 },
      )
    }
    Atomics.store(cells, shared.stop, 1)
    Atomics.notify(cells, shared.stop)
    for (const { told, gone, reader } of threads) {
      assert.deepEqual(await told, ['held'])
      await gone
      reader.release()
    }
    for (let i = 0; i < names; i++) table.remove(space, nameOf(i))
    while (fillers > 0) table.remove(space, `f${--fillers}.${zoneName}`)
    for (let i = 0; i < names; i++) table.removeCached(space, cachedEntry(i, 0).name, 1, false, false)
    table.reclaim()
    const end = table.stats()
    assert.equal(end.entries, start.entries)
    assert.equal(end.retiredBytes, 0)
    assert.equal(end.cachedEntries, 0)
    // A slot array is rounded up to pages.
    const grown = (end.slots - start.slots) * 4 + 4096
    assert.ok(end.liveBytes <= start.liveBytes + grown, `${end.liveBytes - start.liveBytes} octets leaked`)
    assert.ok(end.committedBytes < 2 ** 25, `${end.committedBytes} octets were committed`)
  })
})
