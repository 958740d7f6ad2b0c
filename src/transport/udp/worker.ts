/**
 * A UDP thread: one shard of every listener. It reads a batch of datagrams, answers each from the table, sends the batch,
 * and passes misses to the main thread. The loop allocates nothing and waits only in poll(2), when all sockets are empty.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { DROP, MISS, type Responder, transportCode } from '../../answer/api.ts'
import { createResponder, type QueryRoute } from '../../answer/index.ts'
import { isRelayable, missReason } from '../../answer/misses.ts'
import { linux, loadLibc } from '../../libc/libc.ts'
import { addressOffset, clientLength, nameLength, pktinfo } from '../../libc/sockaddr.ts'
import type { RelayTable } from '../../plugin/capabilities/relay.ts'
import { errorStack } from '../../telemetry/error-text.ts'
import { cutToHeader, writeServfail } from '../error-replies.ts'
import { guardAnswer } from '../guarded-answer.ts'
import { admissionInterval } from './admission.ts'
import { createAdmissions } from './admissions.ts'
import { type Backlog, createBacklog, cutTo } from './backlog.ts'
import { createBatch, largestDatagram } from './batch.ts'
import { beginLife, endLife } from './life.ts'
import { createMissInput, createMissProducer, missKind } from './miss-ring.ts'
import { createPollSet } from './poll-set.ts'
import {
  type BorrowedSocket,
  controlCell,
  countCell,
  listenerCell,
  stopWhen,
  type ThreadCommand,
  type ThreadData,
  type ThreadReport,
} from './protocol.ts'
import { createRecentClients } from './recent-clients.ts'
import { createClientQuery } from './relay/client-query.ts'
import type { Relay } from './relay/relay.ts'
import { receiveQueue } from './socket.ts'
import { sourceControl } from './source-control.ts'
import { openThreadRelay } from './thread-relay.ts'

/** The largest payload size that a client can offer, which the reply then repeats. */
const anyPayload = 0xffff
const data: ThreadData = workerData
const { control, counts } = data
const port = parentPort!
// The process is exiting: the thread ends here.
if (!beginLife(control)) process.exit()
const native = loadLibc()
const batch = createBatch(native)
const misses = createMissProducer(data.misses)
const miss = createMissInput(batch.bytes)
const ready = { ...createMissInput(batch.bytes), kind: missKind.ready }
const recentClients = createRecentClients()
/** By the socket's id. */
const backlogs = new Map<number, Backlog>()
const admissions = createAdmissions(native, () => void counts[countCell.admissionsClosed]++)
const responder = await openResponder()
const answer = guardAnswer(responder, {
  count: () => void counts[countCell.failures]++,
  report: (error) => report({ kind: 'failed', error: errorStack(error) }),
  now: clock,
})
/** The route of the query being observed. */
const route: QueryRoute = {
  family: 4,
  client: batch.bytes,
  clientAt: 0,
  clientPort: 0,
  local: batch.bytes,
  localAt: 0,
  localPort: 0,
}

const sockets: BorrowedSocket[] = [...data.sockets]
const socketById = new Map(sockets.map((socket) => [socket.id, socket]))
/** The query passed to the relay. */
const query = createClientQuery(batch.bytes)
/** Created when there is something to relay. */
let relay: Relay | undefined
const readyTags = new Int32Array(64)
const pollSet = createPollSet(native, { eventfd: data.eventfd, upstreams: data.epoll, watched: data.watched })
pollSet.setSockets(sockets)
let commandsSeen = 0
let datagramsToLive = data.dieAfter || Number.POSITIVE_INFINITY
/** Seconds from receipt to sending of the previous batch: the estimate for the current one. */
let lastDuration = 0

/** Milliseconds that a stopping thread waits for upstreams: less than the time after which it is terminated. */
const owedFor = 3000
/** Milliseconds without a question before it starts to wait for them: shutdown begins after twice as long. */
const quietFor = 500
/** When a stopping thread no longer waits; Infinity for other threads. */
let endsAt = Number.POSITIVE_INFINITY

/** Batches between two polls of sockets that were empty. */
const batchesPerPoll = 16
/** Maximum number of batches in a drain: twice what a receive buffer holds. */
const batchesPerDrain = 256

for (const socket of data.sockets) admissions.open(socket)
for (const { space, table } of data.relays) setRelay(space, table)
report({ kind: 'ready' })
for (const socket of data.sockets) if (socket.draining) giveBack(socket.id)
try {
  serve()
} catch (error) {
  leaveRelayed()
  throw error
} finally {
  endLife(control)
}

function serve(): void {
  let batches = 0
  let busy = false
  for (;;) {
    if (Atomics.load(control, controlCell.stop) !== stopWhen.never && hasEnded(clock())) break
    if (Atomics.load(control, controlCell.commands) !== commandsSeen) runCommands()
    if (admissions.anyClosed()) admissions.lookAtClosed(clock())
    if (!busy) wait(longestWait())
    else if (++batches % batchesPerPoll === 0) wait(0)
    busy = relay !== undefined && receive(relay)
    for (let i = 0; i < sockets.length; i++) {
      if (!pollSet.isReady(i)) continue
      if (serveBatch(sockets[i])) busy = true
      else pollSet.setDry(i)
    }
  }
  // Queries received before the end are answered: the sockets are closed after this thread.
  for (const socket of sockets) drain(socket)
  leaveRelayed()
  responder.offline()
}

/** For a stopping thread: whether it ends now, or serves on until upstreams have answered. */
function hasEnded(now: number): boolean {
  if (endsAt === Number.POSITIVE_INFINITY) {
    // If questions still arrive, shutdown has used up its time, so there is no waiting.
    const isQuiet = now - counts[countCell.lastQueryAt] > quietFor
    endsAt = isQuiet ? now + owedFor : now
  }
  const waits = Atomics.load(control, controlCell.stop) === stopWhen.answered && now < endsAt
  return !(waits && relay?.isUnderWay())
}

/** Milliseconds; -1: until something comes. */
function longestWait(): number {
  const now = relay === undefined ? 0 : clock()
  const next = relay === undefined ? -1 : Math.min(relay.nextDeadline(now), Math.max(0, Math.ceil(endsAt - now)))
  return admissions.anyClosed() && (next < 0 || next > admissionInterval) ? admissionInterval : next
}

function receive({ receive }: Relay): boolean {
  const found = receive(clock())
  counts[countCell.looks]++
  return found
}

/** Hands relayed queries without an answer to the chain, so that a thread that ends loses no query. */
function leaveRelayed(): void {
  for (const { id } of sockets) relay?.leave(id)
  relay?.close()
}

/** Answers one batch from the socket. False when the socket is empty. */
function serveBatch(socket: BorrowedSocket): boolean {
  const received = batch.receive(socket.fd)
  if (received <= 0) return false
  const now = clock()
  responder.startBatch(now)
  counts[countCell.lastQueryAt] = now
  const backlog = backlogOf(socket)
  backlog.received(received)
  const cuts = backlog.cuts()
  responder.limitDatagrams(cuts ? cutTo : anyPayload)
  admissions.look(socket, backlog.behindWithOutside(), now)
  const { family, cells } = socket
  const { bytes } = batch
  const space = Atomics.load(cells, listenerCell.space)
  const proxied = Atomics.load(cells, listenerCell.proxied) === 1
  const by = family === 4 ? transportCode.udp4 : transportCode.udp6
  let missed = false
  for (let i = 0; i < received; i++) {
    const controlLength = sourceControl(socket, bytes, batch.controlAt(i), batch.controlLength(i))
    const nameAt = batch.nameAt(i)
    // Port 0 is not a client, and the kernel refuses to send there.
    if (bytes[nameAt + 2] === 0 && bytes[nameAt + 3] === 0) continue
    if (batch.full()) send(socket)
    const start = batch.requestAt(i)
    const end = start + batch.requestLength(i)
    if (!proxied) responder.from(bytes, nameAt + addressOffset[family], family)
    let length = proxied ? MISS : answer(bytes, start, end, space, by, bytes, batch.replyAt())
    if (length === DROP) continue
    if (length === MISS) {
      const sheds = !proxied && backlog.behind() && isRelayable(responder.missReason()) && shedsOf(socket, i, backlog)
      if (
        relay !== undefined &&
        !proxied &&
        !sheds &&
        isRelayable(responder.missReason()) &&
        relayQuery(socket, i, space, now, controlLength)
      )
        continue
      missed = true
      // Half of the ring is reserved for clients that do not flood it, because it is emptied in order of arrival.
      const floods = recentClients.dominates(bytes, nameAt + addressOffset[family], clientLength[family])
      if (!sheds && !(floods && misses.scarce()) && handOver(socket, i, now, controlLength)) continue
      // The question to repeat is not known if a PROXY header may precede it.
      if (proxied || Atomics.load(cells, listenerCell.sheds) === 1) {
        Atomics.add(cells, listenerCell.unansweredQueries, 1)
        continue
      }
      counts[sheds ? countCell.shed : countCell.missOverflows]++
      length = writeServfail(bytes, start, end, bytes, batch.replyAt())
    } else {
      responder.count(by, family === 4 ? 1 : 2, lastDuration)
      if (responder.observed()) observe(socket, i, controlLength)
    }
    if (length > largestDatagram) length = cutToHeader(bytes, batch.replyAt())
    if (cuts && (bytes[batch.replyAt() + 2] & 0x02) !== 0) counts[countCell.cutReplies]++
    backlog.replied(length)
    batch.queue(i, length, nameLength[family], controlLength)
  }
  send(socket)
  if (missed) publishMisses()
  lastDuration = (clock() - now) / 1000
  if (responder.publish(lastDuration)) native.signal(data.wakefd)
  datagramsToLive -= received
  if (datagramsToLive <= 0) throw new Error('injected fault: this UDP thread was told to die')
  return true
}

function backlogOf({ id, fd }: BorrowedSocket): Backlog {
  const known = backlogs.get(id)
  if (known !== undefined) return known
  const backlog = createBacklog(() => receiveQueue(native, fd), busyTime)
  backlogs.set(id, backlog)
  return backlog
}

/** Whether message i, for an outside name, is among those shed by a thread that is behind. */
function shedsOf({ family }: BorrowedSocket, i: number, backlog: Backlog): boolean {
  const at = batch.nameAt(i) + addressOffset[family]
  if (backlog.areFew()) return false
  return recentClients.dominates(batch.bytes, at, clientLength[family]) || !backlog.admits()
}

function relayQuery(socket: BorrowedSocket, i: number, space: number, now: number, controlLength: number): boolean {
  query.socket = socket.id
  query.space = space
  query.receivedAt = now
  query.hasExpired = responder.missReason() === missReason.expired
  query.start = batch.requestAt(i)
  query.end = query.start + batch.requestLength(i)
  query.nameAt = batch.nameAt(i)
  query.controlAt = batch.controlAt(i)
  query.controlLength = controlLength
  return relay!.take(query)
}

/** Observes the answer to message i. Must run before the reply's memory is reused. */
function observe({ family, local, port }: BorrowedSocket, i: number, controlLength: number): void {
  const { bytes } = batch
  const nameAt = batch.nameAt(i)
  route.family = family
  route.clientAt = nameAt + addressOffset[family]
  route.clientPort = (bytes[nameAt + 2] << 8) | bytes[nameAt + 3]
  // On a wildcard socket the control data has the address that was asked.
  route.local = controlLength > 0 ? bytes : local
  route.localAt = controlLength > 0 ? batch.controlAt(i) + pktinfo[family].destination : 0
  route.localPort = port
  responder.observe(route)
}

function send({ fd, cells }: BorrowedSocket): void {
  if (batch.queued() === 0) return
  const dropped = batch.flush(fd)
  if (dropped === 0) return
  counts[countCell.sendDrops] += dropped
  Atomics.add(cells, listenerCell.unsentReplies, dropped)
}

/** Puts message i into the ring; the main thread sees it after `publishMisses`. False when the ring is full. */
function handOver({ id }: BorrowedSocket, i: number, now: number, controlLength: number): boolean {
  miss.socket = id
  miss.receivedAt = now
  miss.nameAt = batch.nameAt(i)
  miss.controlAt = batch.controlAt(i)
  miss.controlLength = controlLength
  miss.messageAt = batch.requestAt(i)
  miss.messageLength = batch.requestLength(i)
  return misses.push(miss)
}

/** Publishes the batch's misses to the main thread, and wakes it unless a wake-up is already in the pipe. */
function publishMisses(): void {
  misses.publish()
  if (Atomics.exchange(data.awake, 0, 1) === 0) native.signal(data.wakefd)
}

/** Waits for a datagram or a command. */
function wait(timeout: number): void {
  // A reader that sleeps online would keep the table from freeing retired entries.
  if (timeout !== 0) responder.offline()
  pollSet.wait(timeout)
  if (pollSet.takeWatched()) reportReady()
  relay?.expire(clock())
}

/** Tells the main thread which of its sockets are readable. What does not fit the ring is left to the timers. */
function reportReady(): void {
  const found = native.ready(pollSet.watched, readyTags)
  for (let i = 0; i < found; i++) {
    ready.exchange = readyTags[i]
    misses.push(ready)
  }
  if (found > 0) publishMisses()
}

function runCommands(): void {
  commandsSeen = Atomics.load(control, controlCell.commands)
  for (;;) {
    const received: { message: ThreadCommand } | undefined = receiveMessageOnPort(port)
    if (received === undefined) break
    const command = received.message
    if (command.kind === 'add') {
      sockets.push(command.socket)
      socketById.set(command.socket.id, command.socket)
    } else if (command.kind === 'drain') giveBack(command.id)
    else if (command.kind === 'relay') setRelay(command.space, command.table)
    else pollSet.setWatched(command.epoll)
  }
  pollSet.setSockets(sockets)
}

function giveBack(id: number): void {
  const i = sockets.findIndex((socket) => socket.id === id)
  if (i >= 0) {
    const [socket] = sockets.splice(i, 1)
    drain(socket)
    // Last, because the descriptor may soon be reused for another file.
    admissions.open(socket)
  }
  relay?.leave(id)
  backlogs.delete(id)
  socketById.delete(id)
  pollSet.setSockets(sockets)
  report({ kind: 'drained', id })
}

/** Answers the queued queries, up to a limit: under load a socket that still receives never becomes empty. */
function drain(socket: BorrowedSocket): void {
  for (let batches = 0; batches < batchesPerDrain; batches++) {
    // A retired socket is connected and may first report an ICMP error: only EAGAIN means that it is empty.
    if (!serveBatch(socket) && native.errno() === linux.EAGAIN) return
  }
}

function setRelay(space: number, table: RelayTable | undefined): void {
  admissions.setZones(space, table?.own)
  if (relay === undefined && table === undefined) return
  relay ??= openThreadRelay({
    native,
    data,
    misses,
    recentClients,
    publish: publishMisses,
    socketOf: (id) => socketById.get(id),
  })
  relay.setTable(space, table)
}

/** The time of the process's Clock, in milliseconds. */
function clock(): number {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6 - data.clockOffset
}

/** Milliseconds of processor time that this thread has had. */
function busyTime(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

function report(message: ThreadReport): void {
  port.postMessage(message)
}

async function openResponder(): Promise<Responder> {
  const create: typeof createResponder =
    data.responder === undefined ? createResponder : (await import(data.responder)).createResponder
  return create(data.table, data.slot, { udpReplyOctets: largestDatagram, queries: data.queries })
}
