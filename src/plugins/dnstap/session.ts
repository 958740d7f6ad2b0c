/** A connection to a sink: the handshake, then the blocks of the queue, one write at a time, then STOP. */
import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../scheduling/clock.ts'
import { errorMessage } from '../../telemetry/error-text.ts'
import type { Block, FrameQueue } from './frame-queue.ts'
import { control, controlFrame, readControl } from './frames.ts'

export interface Session {
  /** The queue has something new. */
  wake(): void
  /** Writes what is left and sends STOP; resolves when the connection is closed, within two seconds. */
  stop(): Promise<void>
  destroy(): void
}

export interface SessionOptions {
  readonly socket: Socket
  readonly queue: FrameQueue
  readonly clock: Clock
  /** Messages that were being written when the connection ended. */
  readonly onLost: (messages: number) => void
  /** The sink takes messages. */
  readonly onOpen: () => void
  /** Called once, with a reason unless `stop` ended it. */
  readonly onClosed: (reason: string | undefined) => void
}

/** Milliseconds for the handshake, and for writing a block, as in CoreDNS. */
const ioTimeout = 4000
/** Milliseconds for the remaining blocks at the end, and again for the sink's FINISH. */
const stopTimeout = 1000
/** Milliseconds that a message waits so that others are written with it. */
const batchDelay = 10

export function openSession({ socket, queue, clock, onLost, onOpen, onClosed }: SessionOptions): Session {
  let state: 'handshake' | 'open' | 'stopping' | 'closed' = 'handshake'
  let received: Buffer = Buffer.alloc(0)
  let writing: Block | undefined
  let batchTimer: Timer | undefined
  let deadline: Timer | undefined = clock.after(ioTimeout, () => fail('the sink does not answer the handshake'))
  let ended: (() => void) | undefined

  socket.on('data', receive)
  socket.on('error', (error) => fail(errorMessage(error)))
  socket.on('close', () => fail('the sink has closed the connection'))
  socket.write(controlFrame(control.ready))

  function receive(chunk: Buffer): void {
    received = Buffer.concat([received, chunk])
    for (;;) {
      const frame = readControl(received)
      if (frame.kind === 'incomplete') return
      if (frame.kind === 'invalid') {
        fail(`the sink sends ${frame.reason}`)
        return
      }
      received = received.subarray(frame.octets)
      handleControl(frame.type, frame.ours)
      if (state === 'closed') return
    }
  }

  function handleControl(type: number, ours: boolean): void {
    if (state === 'handshake' && type === control.accept && ours) {
      deadline?.cancel()
      socket.write(controlFrame(control.start))
      state = 'open'
      onOpen()
      pump()
    } else if (type === control.finish) close(state === 'stopping' ? undefined : 'the sink has finished')
    else if (state === 'handshake') fail('the sink does not accept protobuf:dnstap.Dnstap')
  }

  /** Writes the oldest block, if none is being written. */
  function pump(): void {
    batchTimer?.cancel()
    batchTimer = undefined
    if (writing !== undefined || (state !== 'open' && state !== 'stopping')) return
    writing = queue.take()
    if (writing === undefined) {
      if (state === 'stopping') sendStop()
      return
    }
    if (state === 'open') deadline = clock.after(ioTimeout, () => fail('the sink does not accept data'))
    socket.write(writing.octets, (error) => {
      if (error || state === 'closed' || writing === undefined) return
      queue.recycle(writing)
      writing = undefined
      if (state === 'open') deadline?.cancel()
      if (queue.full() || state === 'stopping') pump()
      else wake()
    })
  }

  function wake(): void {
    if (state !== 'open' || writing !== undefined || queue.messages() === 0) return
    if (queue.full()) pump()
    else batchTimer ??= clock.after(batchDelay, pump)
  }

  function sendStop(): void {
    deadline?.cancel()
    deadline = clock.after(stopTimeout, () => close(undefined))
    socket.write(controlFrame(control.stop))
  }

  const fail = (reason: string): void => close(state === 'stopping' ? undefined : reason)

  function close(reason: string | undefined): void {
    if (state === 'closed') return
    state = 'closed'
    deadline?.cancel()
    batchTimer?.cancel()
    socket.destroy()
    if (writing !== undefined) onLost(writing.messages)
    onClosed(reason)
    ended?.()
  }

  return {
    wake,
    stop: () =>
      new Promise((resolve) => {
        ended = resolve
        if (state === 'closed') return resolve()
        if (state === 'handshake') return close(undefined)
        state = 'stopping'
        deadline?.cancel()
        deadline = clock.after(stopTimeout, () => close(undefined))
        pump()
      }),
    destroy: () => close(undefined),
  }
}
