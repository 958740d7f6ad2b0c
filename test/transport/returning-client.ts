/** A thread that connects, resets its connection when a message comes, and asks over TLS on another one from the same port. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parentPort, workerData } from 'node:worker_threads'

interface Order {
  readonly port: number
  /** Set and notified when the second connection is there. */
  readonly back: Int32Array<SharedArrayBuffer>
  /** What it sends. */
  readonly message: Uint8Array
  readonly ca: string
}

const { port, back, message, ca } = workerData as Order
const main = parentPort!
const from = { host: '127.0.0.1', port, localAddress: '127.0.0.1' }

const first = connect(from)
await once(first, 'connect')
main.postMessage('connected')
await once(main, 'message')
const { localPort } = first
first.resetAndDestroy()
await once(first, 'close')
const second = connect({ ...from, localPort: localPort! })
await once(second, 'connect')
Atomics.store(back, 0, 1)
Atomics.notify(back, 0)
const secure = connectTls({ socket: second, host: '127.0.0.1', ca })
secure.on('error', () => undefined)
secure.write(message)
secure.on('data', () => main.postMessage('answered'))
secure.on('close', () => main.postMessage('closed'))
