/**
 * A responder that does what the query's first label says, so that the ways in can be tested without a table. Also
 * loaded by UDP threads. Answers are the request with QR set and one A record `10.0.SPACE.SLOT`.
 *
 *   table…   answers          miss…  MISS          drop…  DROP
 *   outside… MISS, because the table has no such name
 *   throw…   throws           big-N  a reply of N octets
 *   hold     answers, but not before the first word of the table's memory has become 0
 */
import { DROP, MISS, type Responder } from '../../src/answer/api.ts'
import { missReason } from '../../src/answer/misses.ts'
import type { TableHandle } from '../../src/table/api.ts'

const ascii = new TextDecoder('latin1')

export function createResponder(table: TableHandle, slot: number): Responder {
  const gate = new Int32Array(table.memory)
  let reason: number = missReason.none
  return {
    from() {},
    answer(request, start, end, space, _way, reply, replyStart) {
      if (end - start < 17 || (request[start + 2]! & 0x80) !== 0) return DROP
      const label = ascii.decode(request.subarray(start + 13, start + 13 + request[start + 12]!))
      reason = label.startsWith('outside') ? missReason.name : missReason.none
      if (label.startsWith('miss') || label.startsWith('outside')) return MISS
      if (label.startsWith('drop')) return DROP
      if (label.startsWith('throw')) throw new Error('the fake responder was told to throw')
      if (label === 'hold') while (Atomics.load(gate, 0) !== 0) Atomics.wait(gate, 0, 1)
      reply.set(request.subarray(start, end), replyStart)
      reply[replyStart + 2]! |= 0x80
      if (label.startsWith('big-')) return Number(label.slice(4))
      reply[replyStart + 7] = 1
      reply.set([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 10, 0, space, slot & 0xff], replyStart + end - start)
      return end - start + 16
    },
    count() {},
    observed: () => false,
    observe() {},
    publish: () => false,
    startBatch() {},
    offline() {},
    limitDatagrams() {},
    missReason: () => reason,
  }
}
