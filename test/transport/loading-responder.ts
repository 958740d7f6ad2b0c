/** A UDP thread with this responder says so in the table's memory, and is inside native code for a while. */
import { createRequire } from 'node:module'
import type { Responder } from '../../src/answer/api.ts'
import type { TableHandle } from '../../src/table/api.ts'
import { createResponder as createFake } from './fake-responder.ts'

const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
const milliseconds = 300

export function createResponder(table: TableHandle, slot: number): Responder {
  const words = new Int32Array(table.memory)
  const libc = koffi.load(null)
  Atomics.store(words, 1, 1)
  const end = performance.now() + milliseconds
  while (performance.now() < end) {
    try {
      libc.func('no_such_function', 'int', [])
    } catch {
      // Thrown by native code: where Node.js ends the thread meanwhile, that is fatal.
    }
  }
  return createFake(table, slot)
}
