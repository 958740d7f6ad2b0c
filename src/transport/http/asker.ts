/** The DNS half of an HTTP connection: messages in, replies out, from the table or the plugin chain. */
import type { Socket } from 'node:net'
import { MISS, transportCode } from '../../answer/api.ts'
import type { QueryRoute } from '../../answer/index.ts'
import type { SocketAddress, Transport } from '../../plugin/query.ts'
import type { Listener } from '../../server/ingress.ts'
import { createChainSlots } from '../chain-slots.ts'
import { clientNamer } from '../client-octets.ts'
import { routeOf } from '../query-log.ts'
import type { ConnectionEnds } from '../tcp/protocol.ts'
import type { SharedState } from '../tcp/shared-state.ts'

export interface Asker {
  readonly client: SocketAddress
  /** Runs `work`, which may call `ask` any number of times, as one batch. */
  batch(work: () => void): void
  /**
   * Passes the reply, in its own memory, to `deliver`, now or later; undefined when nothing is to be sent. `signal` is for
   * the plugin chain: aborted when nobody waits for the reply any more.
   */
  ask(request: Uint8Array, signal: () => AbortSignal, deliver: (reply: Uint8Array | undefined) => void): void
}

/** `most`: maximum number of messages that wait for the plugin chain. */
export function createAsker(
  shared: SharedState,
  transport: Transport,
  socket: Socket,
  { listenerOf, proxied }: Pick<ConnectionEnds, 'listenerOf' | 'proxied'>,
  most: number,
): Asker {
  const { responder, clock, scratch } = shared
  const client: SocketAddress = proxied.client ?? {
    address: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
  }
  const local: SocketAddress = proxied.local ?? {
    address: socket.localAddress ?? listenerOf().address,
    port: socket.localPort ?? listenerOf().port,
  }
  const family = client.address.includes(':') ? 2 : 1
  const nameClient = clientNamer(responder, client.address)
  const slots = createChainSlots({ ...shared, limit: most, onOverflow: () => undefined })
  let route: QueryRoute | undefined

  function observe(seconds: number): void {
    route ??= routeOf(client, local)
    responder.observe(route)
    if (responder.publish(seconds)) shared.queryLog.wake()
  }

  /** Undefined: a miss, to be answered by the chain. */
  function fromTable(request: Uint8Array, listener: Listener, receivedAt: number): Uint8Array | 'silence' | undefined {
    nameClient()
    const length = shared.answer(request, 0, request.length, listener.space, transportCode.stream, scratch, 0)
    if (length === MISS) return undefined
    if (length <= 0) return 'silence'
    const seconds = (clock.now() - receivedAt) / 1000
    responder.count(transportCode.stream, family, seconds)
    if (responder.observed()) observe(seconds)
    return Buffer.from(scratch.subarray(0, length))
  }

  return {
    client,
    batch(work) {
      responder.startBatch(clock.now())
      try {
        work()
      } finally {
        responder.offline()
      }
    },
    ask(request, signal, deliver) {
      const listener = listenerOf()
      const receivedAt = clock.now()
      shared.lastQueryAt = receivedAt
      const reply = fromTable(request, listener, receivedAt)
      if (reply !== undefined) {
        deliver(reply === 'silence' ? undefined : reply)
        return
      }
      // The message may lie in memory that will be reused.
      const own = Buffer.from(request)
      const query = {
        request: own,
        transport,
        client,
        local,
        listener,
        receivedAt,
        signal: signal(),
        releaseSlot: undefined,
      }
      slots.ask(query, deliver)
    },
  }
}
