/** What `query`, `watch` and `latency` have in common: NAME [TYPE] [@SERVER], flags, and the server that they ask. */
import { getServers } from 'node:dns'
import { lookup as resolveHost } from 'node:dns/promises'
import { isIP, isIPv4 } from 'node:net'
import { parseAddress, reverseName } from '../dns/address.ts'
import { typeNumber } from '../dns/codes.ts'
import { NameError, parseName } from '../dns/name.ts'
import { type Command, type Exit, type Flags, integerFlag, misuse, type ParsedArgs, parseArgs } from './args.ts'
import type { ExchangeOptions, Question, Server } from './exchange.ts'

export interface Lookup {
  readonly kind: 'lookup'
  readonly question: Question
  /** As it was written: a host name, an address, perhaps with a port. Undefined: see `findServer`. */
  readonly server: string | undefined
  readonly port: number | undefined
  readonly options: ExchangeOptions
  readonly args: ParsedArgs
}

export const lookupFlags: Flags = {
  p: { value: 'PORT', help: 'Port of the server (default 53); without @SERVER, on this machine' },
  tcp: { help: 'Ask over TCP (default: UDP, and TCP when the reply is truncated)' },
  timeout: { value: 'MILLISECONDS', help: 'Wait so long for a reply (default 2000)' },
}

/** Reads the command line of a lookup. An IP address as NAME means its PTR. `answersOnly`: see ExchangeOptions. */
export function parseLookup(args: readonly string[], command: Command, answersOnly: boolean): Lookup | Exit {
  const parsed = parseArgs(args, { ...command, mixed: true })
  if (parsed.kind === 'exit') return parsed
  const servers = parsed.positional.filter((word) => word.startsWith('@'))
  const [name, typeText, ...surplus] = parsed.positional.filter((word) => !word.startsWith('@'))
  if (name === undefined) return misuse(command, 'which NAME?')
  if (surplus.length > 0) return misuse(command, `unexpected argument '${surplus[0]}'`)
  if (servers.length > 1) return misuse(command, `one server, not ${servers.length}: ${servers.join(' ')}`)
  const address = parseAddress(name)
  const type = typeNumber((typeText ?? (address ? 'PTR' : 'A')).toUpperCase())
  if (type === undefined) return misuse(command, `unknown record type '${typeText}': A, AAAA, SRV, … or TYPE123`)
  const port = integerFlag(parsed, 'p', 1, 65_535)
  const timeout = integerFlag(parsed, 'timeout', 1, 600_000)
  if (Number.isNaN(port)) return misuse(command, `'${parsed.given.get('p')}' is not a port`)
  if (Number.isNaN(timeout)) return misuse(command, `'${parsed.given.get('timeout')}' is no time in milliseconds`)
  try {
    const absolute = parseName(address && typeText === undefined ? reverseName(address) : name)
    return {
      kind: 'lookup',
      question: { name: absolute, type },
      server: servers[0]?.slice(1),
      port,
      options: { tcp: parsed.given.get('tcp') === 'true', timeout: timeout ?? 2000, answersOnly },
      args: parsed,
    }
  } catch (error) {
    if (error instanceof NameError) return misuse(command, `'${name}' is not a name: ${error.message}`)
    throw error
  }
}

/**
 * The server to ask: the one written behind `@`; without one this machine if a port was given (a server under test),
 * else the first of the system's resolvers. Throws Error, for people, when a host name cannot be resolved.
 */
export async function findServer({ server, port }: Lookup): Promise<Server> {
  if (server === undefined && port !== undefined) return { address: '127.0.0.1', port }
  const written = server ?? getServers()[0] ?? '127.0.0.1'
  if (isIP(written)) return { address: written, port: port ?? 53 }
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(written)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new Error(`'@${written}' is not a server: @ADDRESS, @ADDRESS:PORT or @[IPV6]:PORT`)
  const given = match?.[3] === undefined ? undefined : Number(match[3])
  return { address: await resolve(host), port: port ?? given ?? 53 }
}

async function resolve(host: string): Promise<string> {
  if (isIP(host)) return host
  try {
    const found = await resolveHost(host, { all: true })
    return (found.find(({ address }) => isIPv4(address)) ?? found[0]).address
  } catch {
    throw new Error(`the server '${host}' cannot be resolved: give its IP address`)
  }
}
