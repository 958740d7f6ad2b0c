/** A UDP thread with this responder is not ready before the gate of the table's memory is opened (`hold` in support.ts). */
import type { Responder } from '../../src/answer/api.ts'
import type { TableHandle } from '../../src/table/api.ts'
import { createResponder as createFake } from './fake-responder.ts'

export function createResponder(table: TableHandle, slot: number): Responder {
  Atomics.wait(new Int32Array(table.memory), 0, 1)
  return createFake(table, slot)
}
