/** A producer of observed queries as a UDP thread is one: numbered queries in batches. See query-ring.test.ts. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { transportCode } from '../../src/answer/api.ts'
import { createResponder, type QueryRingView, type QueryRoute, queryRecord } from '../../src/answer/index.ts'
import { wireToName } from '../../src/dns/name.ts'
import { encodeMessage } from '../../src/dns/wire.ts'
import type { TableHandle } from '../../src/table/api.ts'
import { createTable } from '../../src/table/index.ts'
import { zoneName, zoneSpec } from '../table/arbitraries.ts'
import { profile, questionMessage } from './harness.ts'

export interface Given {
  readonly handle: TableHandle
  readonly slot: number
  readonly space: number
  readonly queries: SharedArrayBuffer
  /** Queries to send. */
  readonly wanted: number
}

export const route: QueryRoute = {
  family: 4,
  client: Uint8Array.of(0, 192, 0, 2, 1),
  clientAt: 1,
  clientPort: 4000,
  local: Uint8Array.of(192, 0, 2, 53),
  localAt: 0,
  localPort: 53,
}

/** A table that denies every name of its zone, to whoever observes it. */
export function openGiven(): Omit<Given, 'queries' | 'wanted'> {
  const table = createTable({ reserveBytes: 2 ** 24, counterBytes: 2 ** 17 })
  const space = table.createSpace()
  const profileId = table.defineProfile(space, { ...profile, observe: { answers: true, denials: true } })
  table.zone(space, zoneSpec())
  table.put(space, profileId, zoneName, {
    zone: zoneName,
    below: 'closed',
    otherTypes: 'nodata',
    answers: new Map(),
  })
  return { handle: table.handle, slot: table.addReader().slot, space }
}

const batch = 16

/** Query `i`: its number stands in the name, id, type, time of receipt and the client's port, its batch's in `seconds`. */
export function askAndTell({ handle, slot, space, queries, wanted }: Given): number {
  const responder = createResponder(handle, slot, { queries })
  const reply = new Uint8Array(512)
  const from = { ...route }
  for (let i = 0; i < wanted; i++) {
    const name = `${'x'.repeat(i % 50)}n${i}.${zoneName}`
    const message = { ...questionMessage(name, 1 + (i % 5)), id: i & 0xffff }
    const request = encodeMessage(message, { limit: 512 })
    responder.startBatch(i)
    responder.answer(request, 0, request.length, space, transportCode.udp4, reply, 0)
    responder.offline()
    from.clientPort = i & 0xffff
    if (responder.observed()) responder.observe(from)
    if (i % batch === batch - 1 || i === wanted - 1) responder.publish(Math.floor(i / batch))
  }
  return wanted
}

/** Which law the record breaks, and the number of its query. */
export function breach(
  ring: QueryRingView,
  at: number,
  last: number,
): { readonly number: number; readonly breach: string | undefined } {
  const number = ring.floats[(at + queryRecord.receivedAt) >> 3]
  const u16 = (field: number) => ring.halves[(at + field) >> 1]
  const whole =
    wireToName(ring.bytes, at + queryRecord.name) === `${'x'.repeat(number % 50)}n${number}.${zoneName}` &&
    u16(queryRecord.id) === (number & 0xffff) &&
    u16(queryRecord.clientPort) === (number & 0xffff) &&
    u16(queryRecord.type) === 1 + (number % 5) &&
    ring.floats[(at + queryRecord.seconds) >> 3] === Math.floor(number / batch)
  if (!whole) return { number, breach: `record ${number} is torn` }
  return { number, breach: number > last ? undefined : `record ${number} after ${last}` }
}

if (!isMainThread) parentPort!.postMessage(askAndTell(workerData as Given))
