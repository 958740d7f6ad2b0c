/**
 * A request router as vLLM's and its like are built: it knows Services by name, asks DNS for their pods, keeps the answer
 * for its TTL, and sends each request to one of them. It notes when it last used each address.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type as dnsType } from '../../src/dns/codes.ts'
import { parseMessage } from '../../src/dns/wire.ts'
import { question } from '../support/question.ts'
import { readA } from '../support/record.ts'

export interface Router {
  /** When a request was last sent to the address, by performance.now(); undefined for never. */
  lastUse(address: string): number | undefined
  /** The longest lookup so far, milliseconds; the TTL of the last answer, seconds. */
  readonly slowestLookup: number
  readonly longestTtl: number
  stop(): void
}

export interface RouterOptions {
  readonly port: number
  /** Names of the Services. */
  readonly names: readonly string[]
  /** Milliseconds between two requests for one Service. */
  readonly every: number
  /** Hears of every answer. */
  readonly onAnswer?: (name: string, addresses: readonly string[]) => void
}

interface Route {
  readonly name: string
  addresses: readonly string[]
  expiresAt: number
  asking: boolean
}

/** A lookup without an answer is made anew after so many milliseconds. */
const patience = 2000

export async function startRouter({ port, names, every, onAnswer }: RouterOptions): Promise<Router> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const routes = names.map((name): Route => ({ name, addresses: [], expiresAt: 0, asking: false }))
  const used = new Map<string, number>()
  const waiting = new Map<number, { readonly route: Route; readonly at: number }>()
  let nextId = 0
  let slowestLookup = 0
  let longestTtl = 0

  socket.on('message', (octets) => {
    const { id, answer } = parseMessage(octets)
    const asked = waiting.get(id)
    if (!asked) return
    waiting.delete(id)
    const { route, at } = asked
    const records = answer.filter((record) => record.type === dnsType.A)
    const now = performance.now()
    const ttl = Math.min(...records.map((record) => record.ttl), 30)
    route.asking = false
    route.addresses = records.map((record) => readA(record.rdata))
    route.expiresAt = now + ttl * 1000
    slowestLookup = Math.max(slowestLookup, now - at)
    longestTtl = Math.max(longestTtl, ttl)
    onAnswer?.(route.name, route.addresses)
    send(route, now)
  })

  // A server that has ended refuses datagrams: to a router that is a lookup without an answer.
  socket.on('error', () => undefined)

  function ask(route: Route, now: number): void {
    route.asking = true
    nextId = (nextId + 1) & 0xffff
    waiting.set(nextId, { route, at: now })
    socket.send(question(`${route.name} A`, nextId))
  }

  function send(route: Route, now: number): void {
    const address = route.addresses[Math.floor(Math.random() * route.addresses.length)]
    if (address !== undefined) used.set(address, now)
  }

  const ticking = setInterval(() => {
    const now = performance.now()
    for (const [id, { route, at }] of waiting) {
      if (now - at < patience) continue
      waiting.delete(id)
      route.asking = false
    }
    for (const route of routes) {
      if (route.asking) continue
      if (now < route.expiresAt) send(route, now)
      else ask(route, now)
    }
  }, every)

  return {
    lastUse: (address) => used.get(address),
    get slowestLookup() {
      return slowestLookup
    },
    get longestTtl() {
      return longestTtl
    },
    stop() {
      clearInterval(ticking)
      socket.close()
    },
  }
}
