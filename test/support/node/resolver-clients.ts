/**
 * A program: clients as the resolvers of libraries are (client-counts.ts has the kinds). Each query has a socket of its own and two
 * tries of five seconds. `node resolver-clients.ts ADDRESS PER_SECOND CLIENT,… QUESTION…`: they ask this address, from the clients'
 * addresses in turn. A list of servers' own addresses from the parent makes a third of the clients ask these, two each, in turn, until
 * an empty one. At 'stop' it waits for the replies that are due, and answers with what it has counted.
 */
import { readFileSync } from 'node:fs'
import { linux, loadLibc } from '../../../src/libc/libc.ts'
import { encodeSocketAddress } from '../../../src/libc/sockaddr.ts'
import { question } from '../question.ts'
import { type ClientCounts, type ClientKind, type Lost, patience } from './client-counts.ts'

const mostLost = 10_000

interface Query {
  fd: number
  readonly id: number
  readonly sentAt: number
  readonly by: ClientKind
  /** Of the two tries. */
  readonly servers: readonly [Uint8Array, Uint8Array]
  /** Set when the first try has failed. */
  lost: Lost | undefined
  triedAt: number
}

const [address, perSecond, clients, ...questions] = process.argv.slice(2) as [string, string, string, ...string[]]
const native = loadLibc()
const service = encodeSocketAddress(native, address, 53)
let replicas: readonly Uint8Array[] = []
const own = clients.split(',').map((each) => encodeSocketAddress(native, each, 0))
const messages = questions.map((text) => question(text, 0))
const received = new Uint8Array(4096)
const place = native.addressOf(received)
const epoll = native.epoll()
const tags = new Int32Array(64)
/** By descriptor. */
const waiting = new Map<number, Query>()
const latencies: number[] = []
const failed: Record<string, number> = {}
const lost: Lost[] = []
let sent = 0
let answered = 0
let sending = true
const began = performance.now()
const unclaimedBefore = datagramsToNobody()

const hearsRefusals = ({ by }: Query): boolean => by !== 'same socket'

function send(query: Query): void {
  const message = messages[query.id % messages.length]!
  message.writeUInt16BE(query.id & 0xffff, 0)
  query.triedAt = performance.now()
  if (native.sendOne(query.fd, native.addressOf(message), message.length) < 0 && hearsRefusals(query)) again(query)
}

function open(query: Query): void {
  query.fd = native.socket(linux.AF_INET)
  const from = own[query.id % own.length]!
  const server = query.servers[query.lost ? 1 : 0]
  if (query.fd < 0 || native.bind(query.fd, from) < 0 || native.connect(query.fd, server) < 0)
    throw new Error('no socket to a server')
  native.watch(epoll, query.fd, query.fd, false)
  waiting.set(query.fd, query)
}

function close(query: Query): void {
  waiting.delete(query.fd)
  native.close(query.fd)
}

/** The try has failed: the next one, or the query is lost. */
function again(query: Query): void {
  if (query.lost) {
    query.lost.twice = true
    close(query)
    return
  }
  query.lost = { at: Math.round(performance.timeOrigin + query.sentAt), by: query.by, twice: false }
  if (lost.length < mostLost) lost.push(query.lost)
  if (hearsRefusals(query)) {
    close(query)
    open(query)
  }
  send(query)
}

function readable(query: Query): void {
  const length = native.receiveOne(query.fd, place, received.length)
  if (length < 0) {
    // A reset is read once: the next call waits again.
    if (native.errno() !== linux.EAGAIN && hearsRefusals(query)) again(query)
    return
  }
  if (length < 12 || ((received[0]! << 8) | received[1]!) !== (query.id & 0xffff)) return
  const rcode = received[3]! & 15
  if (rcode === 0 && received[7]! > 0) {
    answered++
    latencies.push(performance.now() - query.sentAt)
  } else failed[`rcode ${rcode}`] = (failed[`rcode ${rcode}`] ?? 0) + 1
  close(query)
}

function nextClient(): Pick<Query, 'by' | 'servers'> {
  const place = Math.floor(sent / 3) % Math.max(1, replicas.length)
  if (replicas.length > 0 && sent % 3 === 2)
    return { by: 'next server', servers: [replicas[place]!, replicas[(place + 1) % replicas.length]!] }
  return { by: sent % 2 === 0 ? 'new socket' : 'same socket', servers: [service, service] }
}

function turn(): void {
  const now = performance.now()
  for (let due = ((now - began) / 1000) * Number(perSecond); sending && sent < due; sent++) {
    const query: Query = {
      fd: -1,
      id: sent,
      sentAt: performance.now(),
      ...nextClient(),
      lost: undefined,
      triedAt: 0,
    }
    open(query)
    send(query)
  }
  for (let count = native.ready(epoll, tags); count > 0; count = native.ready(epoll, tags))
    for (let at = 0; at < count; at++) {
      const query = waiting.get(tags[at]!)
      if (query) readable(query)
    }
  // In the order of their descriptors, not of their age: all are looked at.
  for (const query of waiting.values()) if (now - query.triedAt > patience) again(query)
}

/** What the kernel of this network namespace has counted (RFC 4113, udpNoPorts). */
function datagramsToNobody(): number {
  const [names, values] = readFileSync('/proc/net/snmp', 'latin1')
    .match(/^Udp: .*$/gm)!
    .map((line) => line.split(' '))
  return Number(values![names!.indexOf('NoPorts')])
}

function counts(): ClientCounts {
  latencies.sort((a, b) => a - b)
  const at = (part: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(part * latencies.length))] ?? Number.NaN
  const unclaimed = datagramsToNobody() - unclaimedBefore
  return { sent, answered, failed, unclaimed, lost, latency: { p50: at(0.5), p99: at(0.99) } }
}

const timer = setInterval(turn, 1)
process.on('message', (word: 'stop' | readonly string[]) => {
  if (word !== 'stop') {
    replicas = word.map((each) => encodeSocketAddress(native, each, 53))
    return
  }
  sending = false
  const end = setInterval(() => {
    if (waiting.size > 0) return
    clearInterval(end)
    clearInterval(timer)
    process.send?.(counts(), () => process.disconnect?.())
  }, 10)
})
process.on('disconnect', () => process.exit())
process.send!('sending')
