/** Keeps other web pages in the same browser from reading the console. */
import { isIP } from 'node:net'
import { type HttpReply, type HttpRequest, textReply } from '../../telemetry/http/message.ts'
import type { HttpHandler } from '../../telemetry/http/server.ts'

/**
 * Headers of every reply. Nothing is loaded from elsewhere, nothing inline runs, and no other page frames or reads it.
 */
const headers: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/** Answers GET and HEAD, for hosts that are this server's own. `listens`: the host that it listens on, '' for every address. */
export function guarded(listens: string, handler: HttpHandler): HttpHandler {
  return async (request, signal) => {
    const reply = refusal(request, listens) ?? (await handler(request, signal))
    return { ...reply, headers: { ...headers, ...reply.headers } }
  }
}

function refusal({ method, headers: asked }: HttpRequest, listens: string): HttpReply | undefined {
  const refuse = (status: number, text: string) => textReply(status, `${text}\n`, { close: true })
  if (!isOwnHost(asked.get('host') ?? '', listens))
    return refuse(421, 'the Host field must be localhost, an IP address, or the name that the console listens on')
  if (method === 'GET' || method === 'HEAD') return undefined
  return { ...refuse(405, 'only GET and HEAD are allowed'), headers: { Allow: 'GET, HEAD' } }
}

/**
 * A page of another site that points its own name to this address (DNS rebinding) sends that name. An IP address or
 * `localhost` cannot be redirected that way.
 */
export function isOwnHost(field: string, listens: string): boolean {
  const [, bracketed, plain] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(field) ?? []
  if (bracketed !== undefined) return isIP(bracketed) === 6
  if (plain === undefined) return false
  const host = plain.toLowerCase()
  return host === 'localhost' || isIP(host) === 4 || (listens !== '' && host === listens.toLowerCase())
}
