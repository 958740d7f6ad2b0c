/** The streams of a connection: each a request, its message on the way to the table or the chain, and its response. */
import type { Listener } from '../../server/ingress.ts'
import type { Asker } from '../http/asker.ts'
import type { BegunRequest, HttpHead, HttpResponse, HttpService } from '../http/service.ts'
import type { Allowance } from './allowance.ts'
import { createRequestBody, type RequestBody } from './request-body.ts'
import type { Outlet, Responses } from './responses.ts'

export interface Exchanges {
  size(): number
  begin(id: number, head: HttpHead, endStream: boolean): void
  /** DATA; false when no request waits for it. */
  receive(id: number, content: Buffer, endStream: boolean): boolean
  /** Trailers, whose content is ignored; false when no request waits for them. */
  endInput(id: number): boolean
  /** The client has reset a stream; false when it is not open. */
  abandon(id: number): boolean
  abandonAll(): void
  outletOf(id: number): Outlet | undefined
  outlets(): Iterable<Outlet>
  /** Sends what the client's window allows: of this stream, or of all. */
  resume(id?: number): void
  /** Ends requests without progress for longer than `receiving` milliseconds; true when a response has stalled. */
  sweep(now: number, receiving: number, isStalled: (milliseconds: number) => boolean): boolean
  /** Octets of request bodies, and of responses. */
  heldInput(): number
  heldOutput(): number
}

export interface ExchangesOptions {
  readonly service: HttpService
  readonly asker: Asker
  readonly responses: Responses
  readonly allowance: Allowance
  readonly listenerOf: () => Listener
  readonly now: () => number
  /** Tells the client that nothing more of the stream will be read: it has its response, or was too slow. */
  readonly reset: (id: number, why: 'answered' | 'late') => void
  /** Called when a reply from the chain has been written, possibly long after the request was read. */
  readonly onReplied: () => void
  /** Called when the last open stream has ended. */
  readonly onEmpty: () => void
}

interface Exchange extends Outlet {
  /** Time of the last progress, in milliseconds. */
  since: number
  state: 'receiving' | 'asking' | 'replying'
  readonly isHead: boolean
  /** The client has closed its side of the stream. */
  inputEnded: boolean
  begun: (BegunRequest & { kind: 'body' }) | undefined
  body: RequestBody | undefined
  /** Octets of the response that are held. */
  output: number
  departure: AbortController | undefined
}

export function createExchanges(options: ExchangesOptions): Exchanges {
  const { service, asker, responses, allowance, listenerOf, now } = options
  const open = new Map<number, Exchange>()
  const held = { input: 0, output: 0 }

  function ask(exchange: Exchange, message: Uint8Array): void {
    exchange.state = 'asking'
    const signal = (): AbortSignal => {
      exchange.departure = new AbortController()
      return exchange.departure.signal
    }
    asker.ask(message, signal, (reply) => {
      exchange.departure = undefined
      if (open.has(exchange.id)) respond(exchange, service.respond(reply, listenerOf()))
      options.onReplied()
    })
  }

  function respond(exchange: Exchange, response: HttpResponse): void {
    allowance.answered()
    dropBody(exchange)
    exchange.state = 'replying'
    exchange.since = now()
    exchange.output = response.body?.length ?? 0
    held.output += exchange.output
    if (responses.begin(exchange, response, exchange.isHead)) conclude(exchange)
  }

  function resume(exchange: Exchange): void {
    const before = exchange.response?.sent
    const isAll = responses.resume(exchange)
    if (exchange.response?.sent !== before) exchange.since = now()
    if (isAll) conclude(exchange)
  }

  /** The response is being sent. A request body that is still arriving is discarded (RFC 9113 §8.1). */
  function conclude(exchange: Exchange): void {
    if (!exchange.inputEnded) options.reset(exchange.id, 'answered')
    forget(exchange)
  }

  function forget(exchange: Exchange): void {
    if (!open.delete(exchange.id)) return
    dropBody(exchange)
    held.output -= exchange.output
    exchange.departure?.abort()
    if (open.size === 0) options.onEmpty()
  }

  function dropBody(exchange: Exchange): void {
    held.input -= exchange.body?.length() ?? 0
    exchange.body = undefined
  }

  function addToBody(exchange: Exchange, content: Buffer): void {
    exchange.since = now()
    exchange.body ??= createRequestBody()
    held.input += content.length
    exchange.body.add(content)
    if (exchange.body.length() > exchange.begun!.largest) respond(exchange, exchange.begun!.tooLarge())
  }

  function endInput(exchange: Exchange): void {
    exchange.inputEnded = true
    if (exchange.state !== 'receiving') return
    const read = exchange.begun!.read((exchange.body ?? createRequestBody()).octets())
    if ('refused' in read) respond(exchange, read.refused)
    else ask(exchange, read.message)
  }

  function forgetAll(): void {
    for (const exchange of [...open.values()]) forget(exchange)
  }

  return {
    size: () => open.size,
    begin(id, head, endStream) {
      const exchange: Exchange = {
        id,
        since: now(),
        state: 'receiving',
        isHead: head.method === 'HEAD',
        inputEnded: endStream,
        begun: undefined,
        body: undefined,
        credit: 0,
        response: undefined,
        output: 0,
        departure: undefined,
      }
      open.set(id, exchange)
      const begun = service.begin(head, listenerOf())
      if (begun.kind === 'refused') respond(exchange, begun.response)
      else if (begun.kind === 'message') ask(exchange, begun.message)
      else {
        exchange.begun = begun
        if (endStream) endInput(exchange)
      }
    },
    receive(id, content, endStream) {
      const exchange = open.get(id)
      if (exchange === undefined || exchange.inputEnded) return false
      if (exchange.state === 'receiving') addToBody(exchange, content)
      if (endStream) endInput(exchange)
      return true
    },
    endInput(id) {
      const exchange = open.get(id)
      if (exchange === undefined || exchange.inputEnded) return false
      endInput(exchange)
      return true
    },
    abandon(id) {
      const exchange = open.get(id)
      if (exchange !== undefined) forget(exchange)
      return exchange !== undefined
    },
    abandonAll: forgetAll,
    outletOf: (id) => open.get(id),
    outlets: () => open.values(),
    resume(id) {
      const one = id === undefined ? undefined : open.get(id)
      if (one !== undefined) resume(one)
      else if (id === undefined) for (const exchange of [...open.values()]) resume(exchange)
    },
    sweep(time, receiving, isStalled) {
      for (const exchange of [...open.values()]) {
        const still = time - exchange.since
        if (exchange.state === 'replying' && isStalled(still)) return true
        if (exchange.state !== 'receiving' || still <= receiving) continue
        options.reset(exchange.id, 'late')
        forget(exchange)
      }
      return false
    },
    heldInput: () => held.input,
    heldOutput: () => held.output,
  }
}
