/** Sends the replies to misses from the listener's own socket, to where each query came from. */
import type { Libc } from '../../libc/libc.ts'
import { nameLength } from '../../libc/sockaddr.ts'
import { cutToHeader } from '../error-replies.ts'
import { type Batch, createBatch, largestDatagram } from './batch.ts'
import { controlDataAt, type MissSource } from './miss-source.ts'

/** Called with how many replies the system did not take. */
export type OnDropped = (replies: number, source: MissSource) => void

export interface Replies {
  queue(source: MissSource, route: Uint8Array, controlLength: number, reply: Uint8Array): void
  flush(): void
}

/** Replies of one turn of the event loop, sent together; those in a row to one socket are one system call. */
export function openReplies(native: Libc, onDropped: OnDropped): Replies {
  const batch: Batch = createBatch(native)
  /** Whose replies are in the batch. */
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
