/** A UDP thread's relay, with the sockets, memory and counters that the thread was given for it. */
import { createRelayResponder } from '../../answer/relay.ts'
import type { Libc } from '../../libc/libc.ts'
import { createDescriptorPool } from '../../upstream/udp-sockets.ts'
import { createBatch } from './batch.ts'
import { createMissProducer, type MissProducer } from './miss-ring.ts'
import { type BorrowedSocket, countCell, type ThreadData } from './protocol.ts'
import type { RecentClients } from './recent-clients.ts'
import { createRelay, type Relay } from './relay/relay.ts'

export interface ThreadRelayDeps {
  readonly native: Libc
  readonly data: ThreadData
  readonly misses: MissProducer
  readonly recentClients: RecentClients
  /** Publishes the misses to the main thread. */
  readonly publish: () => void
  /** A socket of this thread by its id; undefined once it has been returned. */
  readonly socketOf: (id: number) => BorrowedSocket | undefined
}

export function openThreadRelay({ native, data, misses, recentClients, publish, socketOf }: ThreadRelayDeps): Relay {
  const { counts } = data
  const count = (cell: number) => () => void counts[cell]++
  return createRelay({
    native,
    thread: data.number,
    epoll: data.epoll,
    descriptors: createDescriptorPool(data.relayDescriptors),
    mostSockets: data.relayDescriptors.length,
    responder: createRelayResponder(data.table, data.slot, { queries: data.relayQueries }),
    batch: createBatch(native),
    words: new Int32Array(data.table.memory),
    misses,
    copies: createMissProducer(data.copies),
    publish,
    wake: () => native.signal(data.wakefd),
    socketOf,
    floods: recentClients.dominates,
    counts: {
      relayed: count(countCell.relayed),
      shared: count(countCell.relayShared),
      handedOver: count(countCell.relayHandedOver),
      strays: count(countCell.relayStrays),
      full: count(countCell.relayFull),
      unkept: count(countCell.relayUnkept),
      refused: count(countCell.missOverflows),
      sendDrops(replies) {
        counts[countCell.sendDrops] += replies
      },
    },
  })
}
