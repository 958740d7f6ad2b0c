/** Failures of an API server as errors with cause, file and URL. */
import { untrustedText } from '../../trust/failure-text.ts'

import { excerpt } from '../excerpt.ts'

/**
 * connect, dns, tls, config: no connection. The others come from a reachable server: unauthorized 401, forbidden 403,
 * missing 404, expired 410, ahead 504 (it lags behind the version already seen), refused 400/422, throttled 429 and 503,
 * server any other status or ERROR event; broken: a truncated body, malformed: an undecodable one, oversized: more objects
 * than are kept, silent: one that stalled, timeout: no response at all.
 */
export type FailureReason =
  | 'connect'
  | 'dns'
  | 'tls'
  | 'config'
  | 'unauthorized'
  | 'forbidden'
  | 'missing'
  | 'expired'
  | 'ahead'
  | 'refused'
  | 'throttled'
  | 'server'
  | 'broken'
  | 'malformed'
  | 'oversized'
  | 'silent'
  | 'timeout'

export class ApiFailure extends Error {
  override name = 'ApiFailure'
  readonly reason: FailureReason
  /** The server's Retry-After in milliseconds; undefined if absent. */
  readonly retryAfter: number | undefined
  constructor(reason: FailureReason, message: string, retryAfter?: number) {
    // The server's text may have any length.
    super(excerpt(message))
    this.reason = reason
    this.retryAfter = retryAfter
  }
}

const unreachable: readonly FailureReason[] = ['connect', 'dns', 'tls', 'config']

/** No connection: connection.ts logs these failures and times the next attempt. */
export function isUnreachable(failure: ApiFailure): boolean {
  return unreachable.includes(failure.reason)
}

/** Converts an error of a socket, of TLS or of a stream. `url`: what was being reached. */
export function describeFailure(error: unknown, url: string): ApiFailure {
  if (error instanceof ApiFailure) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const found = known(code, message)
  return new ApiFailure(found?.reason ?? 'broken', `${url}: ${found?.text ?? message}`)
}

function known(code: string, message: string): { reason: FailureReason; text: string } | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return { reason: 'connect', text: 'connection refused: nothing listens there' }
    case 'ETIMEDOUT':
    case 'ERR_SOCKET_CONNECTION_TIMEOUT':
      return { reason: 'connect', text: 'no answer to the connection attempt' }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return { reason: 'connect', text: `no route to it (${code})` }
    case 'ECONNRESET':
    case 'EPIPE':
      return { reason: 'connect', text: 'the connection was closed by the other side' }
    case 'ENOTFOUND':
      return { reason: 'dns', text: 'the host name does not exist (ENOTFOUND)' }
    case 'EAI_AGAIN':
      return { reason: 'dns', text: 'the host name cannot be looked up now (EAI_AGAIN): is a name server reachable?' }
    default:
      return isTls(code) ? { reason: 'tls', text: tlsText(code, message) } : undefined
  }
}

function isTls(code: string): boolean {
  return /^(CERT_|ERR_TLS|ERR_SSL|ERR_OSSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|EPROTO|HOSTNAME_MISMATCH|INVALID_)/.test(
    code,
  )
}

function tlsText(code: string, message: string): string {
  const [line] = message.split('\n')
  if (code === 'EPROTO' || /wrong version number|packet length too long/.test(message)) {
    return `TLS handshake failed: does the server speak TLS on this port? (${line})`
  }
  const untrusted = untrustedText(code, 'name its CA in the kubeconfig, certificate-authority')
  if (untrusted) return `certificate error: ${untrusted}`
  return /^(ERR_SSL|ERR_OSSL)/.test(code) ? `TLS failed: ${line}` : `certificate error: ${line} (${code})`
}
