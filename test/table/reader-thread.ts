/**
 * A reader as a UDP thread is one: batches of questions, OFFLINE in between. It checks every reply and tells the first
 * law that one breaks. See concurrency.test.ts.
 */
import assert from 'node:assert/strict'
import { parentPort, workerData } from 'node:worker_threads'
import { MISS, transportCode } from '../../src/answer/api.ts'
import { createResponder } from '../../src/answer/index.ts'
import { readSoa } from '../../src/dns/rdata.ts'
import { encodeMessage, parseMessage } from '../../src/dns/wire.ts'
import type { TableHandle } from '../../src/table/api.ts'
import { questionMessage } from '../answer/harness.ts'
import { readSrv } from '../support/record.ts'
import { cachedName, nameOf, partsOf, shared } from './versions.ts'

interface Given {
  readonly handle: TableHandle
  readonly slot: number
  readonly space: number
  readonly names: number
  readonly board: SharedArrayBuffer
}

const { handle, slot, space, names, board } = workerData as Given
const cells = new Int32Array(board)
const responder = createResponder(handle, slot)
const reply = new Uint8Array(65_535)
const newest = new Map<string, number>()
let serial = 0

const questions = Array.from({ length: names }, (_, i) => i).flatMap((i) => [
  { key: `A ${i}`, octets: question(nameOf(i), 1), cached: false },
  { key: `SRV ${i}`, octets: question(nameOf(i), 33), cached: false },
  { key: `cached ${i}`, octets: question(cachedName(i), 1), cached: true },
])

function question(name: string, type: number): Uint8Array {
  return encodeMessage(questionMessage(name, type), { limit: 512 })
}

/** One whole version: every part of it once, and nothing of another; never an older one than before. */
function check(key: string, length: number): void {
  const message = parseMessage(reply, 0, length)
  if (message.rcode === 3) {
    const soa = readSoa(message.authority[0].rdata)
    assert.ok(soa.serial >= serial, `serial ${soa.serial} after ${serial}`)
    assert.equal(message.authority[0].ttl, soa.serial % 1000, 'serial and TTL are of one version')
    serial = soa.serial
    return
  }
  const version = message.answer[0].ttl
  assert.ok(version >= (newest.get(key) ?? 0), `${key}: version ${version} after ${newest.get(key)}`)
  newest.set(key, version)
  const parts = message.answer.map(({ ttl, type, rdata }) => {
    assert.equal(ttl, version)
    if (type === 1) return (rdata[2] << 8) | rdata[3]
    const { target, port } = readSrv(rdata)
    assert.equal(target.split('.')[0], `v${version}-${port}`)
    return port
  })
  for (const { ttl, name } of message.additional) assert.ok(ttl === version && name.startsWith(`v${version}-`))
  for (const { type, rdata } of message.answer)
    if (type === 1) assert.equal((rdata[0] << 8) | rdata[1], version & 0xffff)
  assert.deepEqual(
    parts.sort((a, b) => a - b),
    Array.from({ length: partsOf(version) }, (_, i) => i),
  )
}

try {
  for (let round = 0; Atomics.load(cells, shared.stop) === 0; round++) {
    responder.startBatch(round)
    for (let i = 0; i < 32; i++) {
      const { key, octets, cached } = questions[(round * 32 + i * 7) % questions.length]
      const length = responder.answer(octets, 0, octets.length, space, transportCode.stream, reply, 0)
      if (cached && length === MISS) continue
      assert.ok(length > 0, `${key}: ${length}`)
      check(key, length)
    }
    Atomics.add(cells, shared.answers, 32)
    if (round % 50 === 0) {
      responder.offline()
      Atomics.wait(cells, shared.stop, 0, 1)
    }
  }
  responder.offline()
  parentPort?.postMessage('held')
} catch (error) {
  parentPort?.postMessage(error instanceof Error ? error.message : String(error))
}
