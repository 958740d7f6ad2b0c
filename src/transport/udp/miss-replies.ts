/** Sends the replies to misses from the listener's own socket, along each query's route. */
import type { Libc } from '../../libc/libc.ts'
import { nameLength } from '../../libc/sockaddr.ts'
import { cutToHeader } from '../error-replies.ts'
import { type Batch, createBatch, largestDatagram } from './batch.ts'
import { controlDataAt, type MissSource } from './miss-source.ts'

/** Called with the number of replies that the system did not accept. */
export type OnDropped = (replies: number, source: MissSource) => void

export interface Replies {
  queue(source: MissSource, route: Uint8Array, controlLength: number, reply: Uint8Array): void
  flush(): void
}

/** Collects the replies of one turn of the event loop; consecutive replies on one socket take one system call. */
export function openReplies(native: Libc, onDropped: OnDropped): Replies {
  const batch: Batch = createBatch(native)
  /** The sender of the replies in the batch. */
  let sender: { readonly source: MissSource; readonly fd: number } | undefined
  let scheduled = false
  const flush = () => {
    if (sender === undefined || batch.queued() === 0) return
    const dropped = batch.flush(sender.fd)
    if (dropped > 0) onDropped(dropped, sender.source)
  }
  return {
    queue(source, route, controlLength, reply) {
      // The socket was closed without waiting for this reply.
      if (source.replyfd < 0) return
      if (source.replyfd !== sender?.fd || batch.full()) {
        flush()
        sender = { source, fd: source.replyfd }
      }
      const i = batch.queued()
      const { bytes } = batch
      bytes.set(route.subarray(0, controlDataAt), batch.nameAt(i))
      if (controlLength > 0) bytes.set(route.subarray(controlDataAt, controlDataAt + controlLength), batch.controlAt(i))
      let length = reply.length
      if (length <= largestDatagram) bytes.set(reply, batch.replyAt())
      else {
        bytes.set(reply.subarray(0, 12), batch.replyAt())
        length = cutToHeader(bytes, batch.replyAt())
      }
      batch.queue(i, length, nameLength[source.family], controlLength)
      if (scheduled) return
      scheduled = true
      setImmediate(() => {
        scheduled = false
        flush()
      })
    },
    flush,
  }
}
