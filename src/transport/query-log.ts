/**
 * The main thread's half of the query log: takes observed answers out of the responders' rings and reports them to the
 * server at a limited rate. When answers arrive faster the rings fill up, and the dropped answers are counted.
 */
import { createQueryConsumer, type QueryRingView, type QueryRoute, queryFact, queryRecord } from '../answer/index.ts'
import { formatAddress, parseAddress } from '../dns/address.ts'
import { lowerName, wireToName } from '../dns/name.ts'
import type { AnsweredQuery } from '../plugin/observer.ts'
import type { SocketAddress } from '../plugin/query.ts'
import type { Clock, Timer } from '../scheduling/clock.ts'
import type { AnsweredHandler } from '../server/ingress.ts'
import type { Logger } from '../telemetry/log.ts'
import type { CounterCell } from '../telemetry/metrics.ts'

export interface QueryLogReader {
  /** Starts reading this ring. */
  addRing(ring: SharedArrayBuffer): { remove(): void }
  /** A responder's `publish` returned true: the rings are polled until they stay empty. */
  wake(): void
  /** Takes everything that is in the rings now. */
  drain(): void
  /** Whether the octets of queries and replies are recorded too. */
  recordMessages(on: boolean): void
  close(): void
}

export interface QueryLogReaderOptions {
  readonly onAnswered: AnsweredHandler
  readonly clock: Clock
  readonly log: Logger
  readonly dropped: CounterCell
  /** Calls `collect` before each scrape. */
  onCollect(collect: () => void): { remove(): void }
}

/** Milliseconds between two polls. */
const lookEvery = 10
/** Limits the log to 20,000 answers a second, and one poll, however late, to two milliseconds of work. */
const takenPerMillisecond = 20
const takenPerLook = 1000
/** Milliseconds between two warnings about dropped answers. */
const warnEvery = 1000

export function openQueryLogReader({
  onAnswered,
  clock,
  log,
  dropped,
  onCollect,
}: QueryLogReaderOptions): QueryLogReader {
  /** In the order of their turns. `counted`: drops already added to the metric. */
  let rings: { readonly consumer: ReturnType<typeof createQueryConsumer>; counted: number }[] = []
  let looking: Timer | undefined
  let warning: Timer | undefined
  /** Dropped answers not yet mentioned in a warning. */
  let unreported = 0
  let lookedAt = 0
  let recording = false
  const collecting = onCollect(countDropped)

  function lookLater(): void {
    looking = clock.after(lookEvery, look)
  }

  function look(): void {
    const now = clock.now()
    const most = Math.min(Math.ceil((now - lookedAt) * takenPerMillisecond), takenPerLook)
    lookedAt = now
    let taken = 0
    for (const { consumer } of rings) taken += consumer.drain(most - taken, take)
    // Rotates, so that a busy thread does not always come first.
    rings.push(...rings.splice(0, 1))
    countDropped()
    looking = undefined
    // `sleep` must be called on every ring; `some` would stop at the first.
    const awake = taken > 0 || rings.filter(({ consumer }) => !consumer.sleep()).length > 0
    if (awake) lookLater()
  }

  function take(ring: QueryRingView, at: number): void {
    const space = ring.words[(at + queryRecord.space) >> 2]
    const known = onAnswered(readQuery(ring, at), space, ring.halves[(at + queryRecord.profileId) >> 1])
    if (!known) lose(1)
  }

  function countDropped(): void {
    for (const ring of rings) {
      const all = ring.consumer.dropped()
      lose((all - ring.counted) >>> 0)
      ring.counted = all
    }
  }

  function lose(queries: number): void {
    if (queries === 0) return
    dropped.inc(queries)
    unreported += queries
    warning ??= clock.after(warnEvery, warn)
  }

  function warn(): void {
    warning = undefined
    log.warning(`${unreported} queries answered from the table are missing in log and dnstap: more came than they take`)
    unreported = 0
  }

  function drain(): void {
    for (const { consumer } of rings) consumer.drain(Number.POSITIVE_INFINITY, take)
    countDropped()
  }

  return {
    addRing(memory) {
      const ring = { consumer: createQueryConsumer(memory), counted: 0 }
      ring.consumer.recordMessages(recording)
      rings.push(ring)
      return {
        remove() {
          drain()
          rings = rings.filter((other) => other !== ring)
        },
      }
    },
    wake() {
      if (looking !== undefined || rings.every(({ consumer }) => consumer.asleep())) return
      lookedAt = clock.now()
      lookLater()
    },
    drain,
    recordMessages(on) {
      recording = on
      for (const { consumer } of rings) consumer.recordMessages(on)
    },
    close() {
      drain()
      rings = []
      looking?.cancel()
      warning?.cancel()
      collecting.remove()
      if (unreported > 0) warn()
    },
  }
}

function readQuery(ring: QueryRingView, at: number): AnsweredQuery {
  const { words, halves, bytes, floats } = ring
  const u16 = (field: number): number => halves[(at + field) >> 1]
  const octets = bytes[at + queryRecord.family] === 4 ? 4 : 16
  const facts = bytes[at + queryRecord.facts]
  const flags = u16(queryRecord.flags)
  const qname = wireToName(bytes, at + queryRecord.name)
  const messages = readMessages(ring, at)
  const edns = { payloadSize: u16(queryRecord.payloadSize), dnssecOk: (facts & queryFact.dnssecOk) !== 0 }
  return {
    id: u16(queryRecord.id),
    opcode: (flags >> 11) & 15,
    qname,
    name: lowerName(qname),
    qtype: u16(queryRecord.type),
    qclass: u16(queryRecord.class),
    transport: facts & queryFact.stream ? 'tcp' : 'udp',
    client: { address: formatAddress(bytes, at + queryRecord.client, octets), port: u16(queryRecord.clientPort) },
    local: { address: formatAddress(bytes, at + queryRecord.local, octets), port: u16(queryRecord.localPort) },
    edns: facts & queryFact.edns ? edns : undefined,
    requestOctets: u16(queryRecord.requestOctets),
    rcode: flags & 15,
    flags,
    replyOctets: words[(at + queryRecord.replyOctets) >> 2],
    denial: (facts & queryFact.denial) !== 0,
    receivedAt: floats[(at + queryRecord.receivedAt) >> 3],
    seconds: floats[(at + queryRecord.seconds) >> 3],
    ...(messages && { messages }),
  }
}

/** Copies, because the ring's memory will be reused. */
function readMessages({ halves, bytes, messagesOf }: QueryRingView, at: number): AnsweredQuery['messages'] {
  const requestLength = halves[(at + queryRecord.requestLength) >> 1]
  if (requestLength === 0) return undefined
  const from = messagesOf(at)
  const replyAt = from + requestLength
  return {
    request: bytes.slice(from, replyAt),
    reply: bytes.slice(replyAt, replyAt + halves[(at + queryRecord.replyLength) >> 1]),
  }
}

/** The route of a query on a transport with addresses as text. */
export function routeOf(client: SocketAddress, local: SocketAddress): QueryRoute {
  const octets = octetsOf(client.address)
  return {
    family: octets.length === 4 ? 4 : 6,
    client: octets,
    clientAt: 0,
    clientPort: client.port,
    local: octetsOf(local.address),
    localAt: 0,
    localPort: local.port,
  }
}

/** The octets of an address as the system writes it, without the zone of a link-local one. */
export function octetsOf(address: string): Uint8Array {
  return parseAddress(address.split('%', 1)[0]) ?? new Uint8Array(16)
}
