/** A process that exits while its UDP threads load native code. */
import { createResponder } from './fake-responder.ts'
import { withTransport } from './support.ts'

const memory = new SharedArrayBuffer(8)
const words = new Int32Array(memory)

await withTransport(
  {
    table: { memory, counters: new SharedArrayBuffer(8), sketches: new SharedArrayBuffer(8) },
    responder: { module: new URL('./loading-responder.ts', import.meta.url).href, create: createResponder },
  },
  async ({ transport, listener }) => {
    void transport.apply([listener({ shards: 2 })])
    while (Atomics.load(words, 1) === 0) await new Promise(setImmediate)
    process.exit(7)
  },
)
