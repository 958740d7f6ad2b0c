/** Collects the frames that a connection sends in one turn, to write them at once. */
import { frameType, headerOctets, writeFrameHeader } from './frames.ts'
import { emptyTable, fieldRoom, writeField } from './hpack.ts'

export interface FrameWriter {
  frame(type: number, flags: number, stream: number, payload: Uint8Array): void
  /** A header block, or trailers: HEADERS in one frame. `status` is undefined for trailers. */
  head(
    flags: number,
    stream: number,
    status: number | undefined,
    fields: Readonly<Record<string, string | number>>,
    date?: string,
  ): void
  /** Returns the collected frames; undefined if there are none. */
  take(): Buffer | undefined
}

const none = Buffer.alloc(0)
/** Octets of a usual reply: its header block and its message. */
const smallest = 256

export function createFrameWriter(): FrameWriter {
  let memory: Buffer = none
  let used = 0
  let hasSaidTable = false
  /** Octets needed the last time. */
  let wanted = smallest

  function makeRoom(octets: number): void {
    if (used + octets <= memory.length) return
    const grown = Buffer.allocUnsafe(Math.max(wanted, used + octets, 2 * memory.length))
    grown.set(memory.subarray(0, used))
    memory = grown
  }

  return {
    frame(type, flags, stream, payload) {
      makeRoom(headerOctets + payload.length)
      writeFrameHeader(memory, used, payload.length, type, flags, stream)
      memory.set(payload, used + headerOctets)
      used += headerOctets + payload.length
    },
    head(flags, stream, status, fields, date) {
      let room = headerOctets + 1
      if (status !== undefined) room += fieldRoom(':status', status)
      if (date !== undefined) room += fieldRoom('date', date)
      for (const name in fields) room += fieldRoom(name, fields[name])
      makeRoom(room)
      const start = used + headerOctets
      let at = start
      if (!hasSaidTable) memory[at++] = emptyTable
      hasSaidTable = true
      if (status !== undefined) at = writeField(memory, at, ':status', status)
      for (const name in fields) at = writeField(memory, at, name, fields[name])
      if (date !== undefined) at = writeField(memory, at, 'date', date)
      writeFrameHeader(memory, used, at - start, frameType.HEADERS, flags, stream)
      used = at
    },
    take() {
      if (used === 0) return undefined
      const octets = memory.subarray(0, used)
      wanted = Math.max(smallest, used)
      memory = none
      used = 0
      return octets
    },
  }
}
