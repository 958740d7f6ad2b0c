/** Connections to an API server: TCP, through a proxy where one is configured, and TLS. */
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { Clock } from '../../scheduling/clock.ts'
import { systemRoots } from '../../trust/system-roots.ts'
import { ApiFailure, describeFailure } from './failure.ts'
import { socksTunnel, tunnel } from './proxy.ts'

/** Where and how to connect. Read again for each connection. */
export interface Target {
  /** http: or https:, with the path prefix of the API. */
  readonly url: URL
  readonly tls: TlsFacts
  readonly proxy: URL | undefined
}

export interface TlsFacts {
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  /** `tls-server-name`: the name expected in the certificate instead of the URL's host. */
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/**
 * Milliseconds for the TCP handshake: two attempts, because a SYN is repeated after a second. Short, so that a server that
 * comes back is reached at once.
 */
const tcpTimeout = 2000
/** Milliseconds for the TLS handshake, and for a proxy's answer. */
const handshakeTimeout = 10_000
/** Milliseconds after which the kernel probes an idle connection: every second, ten times. */
const keepAliveAfter = 10_000

/** What ends a wait for a socket. */
interface Wait {
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** Rejects with ApiFailure. For https: the protocol is negotiated (ALPN): see the socket's `alpnProtocol`. */
export async function dial(target: Target, signal: AbortSignal, clock: Clock): Promise<Socket | TLSSocket> {
  const { url, proxy } = target
  const secure = url.protocol === 'https:'
  const port = Number(url.port || (secure ? 443 : 80))
  const host = bareHost(url)
  const wait: Wait = { signal, clock }
  let socket: Socket | undefined
  try {
    if (proxy === undefined) {
      socket = await openTcp(host, port, wait)
    } else {
      socket = await throughProxy(proxy, host, port, wait)
    }
    return secure ? await openTls(socket, host, target.tls, wait) : socket
  } catch (error) {
    socket?.destroy()
    const through = proxy === undefined ? '' : ` through the proxy ${proxy.host}`
    throw describeFailure(error, `${url.origin}${through}`)
  }
}

/** Without the brackets of an IPv6 address. */
function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, '$1')
}

async function throughProxy(proxy: URL, host: string, port: number, wait: Wait): Promise<Socket> {
  const socks = proxy.protocol.startsWith('socks')
  const secure = proxy.protocol === 'https:'
  const fallback = socks ? 1080 : secure ? 443 : 80
  const outer = await openTcp(bareHost(proxy), Number(proxy.port || fallback), wait)
  const socket = secure ? await openTls(outer, bareHost(proxy), {}, wait, ['http/1.1']) : outer
  try {
    const connected = socks ? socksTunnel(socket, proxy, host, port) : tunnel(socket, proxy, host, port)
    await within(connected, socket, handshakeTimeout, wait)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

async function openTcp(host: string, port: number, wait: Wait): Promise<Socket> {
  const socket = connectTcp({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveAfter })
  await within(once(socket, 'connect'), socket, tcpTimeout, wait)
  return socket
}

async function openTls(
  socket: Socket,
  host: string,
  facts: TlsFacts,
  wait: Wait,
  protocols: string[] = ['h2', 'http/1.1'],
): Promise<TLSSocket> {
  // RFC 6066 §3: the server name extension cannot hold an IP address. The certificate is then checked against `host`.
  const servername = facts.servername ?? (isIP(host) ? '' : host)
  // Without a configured CA, the certificate must be trusted by the system.
  const ca = facts.ca ?? systemRoots()
  const secured = connectTls({ ...facts, ...(ca ? { ca } : {}), socket, host, servername, ALPNProtocols: protocols })
  await within(once(secured, 'secureConnect'), secured, handshakeTimeout, wait)
  return secured
}

/** Waits for `event`; destroys the socket when it takes too long or `signal` aborts. */
async function within(
  event: Promise<unknown>,
  socket: Socket,
  timeout: number,
  { signal, clock }: Wait,
): Promise<void> {
  const abandon = (): void => void socket.destroy(new ApiFailure('connect', 'given up'))
  const timer = clock.after(timeout, () => {
    socket.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }))
  })
  signal.addEventListener('abort', abandon)
  try {
    if (signal.aborted) abandon()
    await event
    // From here on the owner handles errors; one in between must not be uncaught.
    socket.on('error', () => {})
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', abandon)
  }
}
