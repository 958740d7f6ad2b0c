/** The subset of HTTP/1 that probes and scrapers use (RFC 9112): request heads, and replies with a complete body. */
import { STATUS_CODES } from 'node:http'

export interface HttpRequest {
  readonly method: string
  /** `/explain?name=x`: without scheme and authority, even if they were sent. */
  readonly target: string
  /** The target without its query. */
  readonly path: string
  /** By name in lower case; values of a repeated field joined with commas. */
  readonly headers: ReadonlyMap<string, string>
}

export interface HttpReply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** The connection is closed after this reply. */
  readonly close?: boolean
  /**
   * Continues after the body: the reply then has no length, and ends with the connection. Called once the head is sent; the
   * returned function is called when the connection has ended.
   */
  readonly stream?: (stream: HttpStream) => () => void
}

/** The open end of a reply. It holds the octets of at most one `send`. */
export interface HttpStream {
  /** False, with nothing sent, when the client has not taken the previous octets. */
  send(octets: Uint8Array): boolean
  end(): void
}

/** The head of a request, and the framing of its body. */
export interface RequestHead {
  readonly request: HttpRequest
  /** The client accepts further replies on this connection. */
  readonly persistent: boolean
  /** Octets of its body, if it has a length. */
  readonly length: number
  /** The body is chunked: its length is unknown. */
  readonly chunked: boolean
}

/** The request is invalid; `status` is the reply's. */
export class BadRequest extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Octets of a request's head; probes and scrapers send less than 1 KiB. */
export const maxHeadOctets = 8 << 10
const maxFields = 100

const requestLine = /^([A-Za-z-]+) (\S+) HTTP\/1\.([01])$/
/** Blanks around the value are removed by `withoutBlanks`: a pattern for that could take cubic time. */
const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/

/** `text`: the head in latin1, without the empty line at its end. Throws BadRequest. */
export function parseRequestHead(text: string): RequestHead {
  const [first, ...lines] = text.split('\r\n')
  const [, method, sent, minor] = requestLine.exec(first) ?? []
  if (method === undefined) throw new BadRequest(400, 'the request line is invalid')
  if (lines.length > maxFields) throw new BadRequest(431, `more than ${maxFields} header fields`)
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name, text = ''] = field.exec(line) ?? []
    if (name === undefined) throw new BadRequest(400, 'a header field is invalid')
    const value = withoutBlanks(text)
    const known = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), known === undefined ? value : `${known}, ${value}`)
  }
  if (minor === '1' && !headers.has('host')) throw new BadRequest(400, 'the Host field is missing')
  const target = originForm(sent)
  const request = { method, target, path: target.replace(/\?.*/s, ''), headers }
  return { request, persistent: isPersistent(minor, headers.get('connection') ?? ''), ...framingOf(headers) }
}

/** Reduces the absolute form `http://localhost/health`, which servers must accept (RFC 9112 §3.2.2), to `/health`. */
function originForm(target: string): string {
  const [authority] = /^https?:\/\/[^/?]*/i.exec(target) ?? ['']
  const rest = target.slice(authority.length)
  return authority !== '' && !rest.startsWith('/') ? `/${rest}` : rest
}

/** RFC 9112 §6.3. A request with both fields, or an invalid length, may be an attempt at request smuggling. */
function framingOf(headers: ReadonlyMap<string, string>): Pick<RequestHead, 'length' | 'chunked'> {
  const length = headers.get('content-length')
  const coding = headers.get('transfer-encoding')
  if (length !== undefined && (coding !== undefined || !/^\d+$/.test(length))) {
    throw new BadRequest(400, 'Content-Length is invalid')
  }
  return { length: Number(length ?? 0), chunked: coding !== undefined }
}

/** RFC 9112 §9.3. */
function isPersistent(minor: string, connection: string): boolean {
  const options = connection.toLowerCase().split(',').map(withoutBlanks)
  return minor === '1' ? !options.includes('close') : options.includes('keep-alive')
}

/** Without spaces and tabs at both ends (RFC 9110 §5.5). */
function withoutBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

const isBlank = (character: string): boolean => character === ' ' || character === '\t'

/** The head of a reply. `close`: no request is accepted after it. */
export function replyHead({ status, headers = {}, body, stream }: HttpReply, close: boolean): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (const [name, value] of Object.entries(headers)) text += `${name}: ${value}\r\n`
  if (!stream) text += `Content-Length: ${body.length}\r\n`
  return `${text}Date: ${new Date().toUTCString()}\r\nConnection: ${close ? 'close' : 'keep-alive'}\r\n\r\n`
}

/** A plain-text reply. */
export function textReply(status: number, text: string, options: { readonly close?: boolean } = {}): HttpReply {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: Buffer.from(text), ...options }
}
