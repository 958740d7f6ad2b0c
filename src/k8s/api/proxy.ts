/** Tunnels through a proxy (HTTP CONNECT, SOCKS 5), and which proxy the environment names. */
import { BlockList, isIP, type Socket } from 'node:net'

/** Octets of a proxy's response head. */
const largestHead = 16 * 1024

/** RFC 9110 §9.3.6. Resolves when the tunnel is established. */
export async function tunnel(socket: Socket, proxy: URL, host: string, port: number): Promise<void> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const credentials = proxy.username === '' ? '' : `Proxy-Authorization: Basic ${basic(proxy)}\r\n`
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`)
  const head = await readUntil(socket, (bytes) => bytes.indexOf('\r\n\r\n') + 4, 4)
  const status = /^HTTP\/1\.[01] (\d{3})[^\r\n]*/.exec(head.toString('latin1'))
  if (status === null) throw new Error('the proxy does not answer as an HTTP proxy')
  if (!status[1].startsWith('2')) throw new Error(`the proxy refuses the tunnel: ${status[0]}`)
}

/** RFC 1928, with user name and password (RFC 1929) if the URL has them. The proxy resolves the name. */
export async function socksTunnel(socket: Socket, proxy: URL, host: string, port: number): Promise<void> {
  const user = Buffer.from(decodeURIComponent(proxy.username))
  const password = Buffer.from(decodeURIComponent(proxy.password))
  const method = user.length > 0 ? 2 : 0
  socket.write(Buffer.of(5, 1, method))
  const chosen = await readUntil(socket, () => 2, 2)
  if (chosen[0] !== 5 || chosen[1] !== method) throw new Error('the SOCKS proxy refuses the authentication method')
  if (method === 2) {
    socket.write(Buffer.concat([Buffer.of(1, user.length), user, Buffer.of(password.length), password]))
    const verdict = await readUntil(socket, () => 2, 2)
    if (verdict[1] !== 0) throw new Error('the SOCKS proxy refuses the user name or password')
  }
  const name = Buffer.from(host)
  socket.write(Buffer.concat([Buffer.of(5, 1, 0, 3, name.length), name, Buffer.of(port >> 8, port & 0xff)]))
  const reply = await readUntil(socket, socksReplyLength, 5)
  if (reply[1] !== 0) throw new Error(`the SOCKS proxy cannot connect (reply ${reply[1]})`)
}

/**
 * The proxy that the environment names for `url`: HTTPS_PROXY or HTTP_PROXY by its scheme, in upper or lower case, unless
 * NO_PROXY covers the host. Throws when the variable is not a URL.
 */
export function proxyFromEnvironment(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const variable = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const value = env[variable] || env[variable.toLowerCase()]
  if (!value || isExempt(url, env.NO_PROXY || env.no_proxy || '')) return undefined
  return parseProxy(value, variable)
}

/** Throws, naming `source`, when `value` is not a URL. */
export function parseProxy(value: string, source: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined
  const known = url !== undefined && /^(https?|socks5h?|socks):$/.test(url.protocol)
  if (known) return url
  const bare = `http://${value}`
  if (!value.includes('://') && URL.canParse(bare)) return new URL(bare)
  throw new Error(`${source}: ${JSON.stringify(value)} is not a proxy URL (http, https or socks5)`)
}

/** Like Go's net/http: names including their subdomains, addresses, networks, `*`, each with an optional port. */
function isExempt(url: URL, list: string): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (host === 'localhost' || host === '::1' || /^127\./.test(host)) return true
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  return list
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .some((entry) => entry !== '' && covers(entry, host, port))
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  const withPort = /^(.*):(\d+)$/.exec(entry)
  const isAddress = isIP(entry) !== 0
  if (!isAddress && withPort !== null && withPort[2] !== port) return false
  const name = (isAddress || withPort === null ? entry : withPort[1]).replace(/^\[(.*)\]$/, '$1')
  if (name.includes('/')) return inNetwork(name, host)
  const domain = name.replace(/^\*?\./, '')
  // A leading dot means subdomains only.
  return (name === domain && host === domain) || host.endsWith(`.${domain}`)
}

function inNetwork(network: string, host: string): boolean {
  const [base, bits] = network.split('/')
  const family = isIP(base) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(base) === 0 || isIP(base) !== isIP(host) || !/^\d+$/.test(bits)) return false
  const list = new BlockList()
  try {
    list.addSubnet(base, Number(bits), family)
  } catch {
    // More bits than the family has: the entry covers nothing.
    return false
  }
  return list.check(host, family)
}

function basic(proxy: URL): string {
  return Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64')
}

/** RFC 1928 §6: the length of the bound address depends on its type. */
function socksReplyLength(bytes: Buffer): number {
  return bytes[3] === 1 ? 10 : bytes[3] === 4 ? 22 : 7 + bytes[4]
}

/** Reads until `length(bytes)` octets have arrived; called once there are `least`. Surplus octets are unshifted. */
function readUntil(socket: Socket, length: (bytes: Buffer) => number, least: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const done = (settle: () => void): void => {
      socket.off('readable', read)
      socket.off('error', failed)
      socket.off('close', closed)
      settle()
    }
    const failed = (error: Error): void => done(() => reject(error))
    const closed = (): void => done(() => reject(new Error('the proxy closed the connection')))
    const read = (): void => {
      const chunk = socket.read() as Buffer | null
      if (chunk === null) return
      bytes = Buffer.concat([bytes, chunk])
      const needed = bytes.length < least ? Number.POSITIVE_INFINITY : length(bytes)
      if (bytes.length > largestHead) {
        done(() => reject(new Error('the response head of the proxy has no end')))
      } else if (needed >= least && bytes.length >= needed) {
        if (bytes.length > needed) socket.unshift(bytes.subarray(needed))
        done(() => resolve(bytes.subarray(0, needed)))
      }
    }
    socket.on('readable', read)
    socket.on('error', failed)
    socket.on('close', closed)
    read()
  })
}
