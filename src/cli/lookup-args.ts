/** The command line that `query`, `watch` and `latency` share: NAME [TYPE] [@SERVER], flags, and the server to ask. */
import { getServers } from 'node:dns'
import { lookup as resolveHost } from 'node:dns/promises'
import { isIP, isIPv4 } from 'node:net'
import { parseAddress, reverseName } from '../dns/address.ts'
import { typeNumber } from '../dns/codes.ts'
import { NameError, parseName } from '../dns/name.ts'
import type { Question, Server } from './answer.ts'
import { type Command, type Exit, type Flags, integerFlag, misuse, type ParsedArgs, parseArgs } from './args.ts'
import type { LookupOptions } from './lookup-client.ts'

export interface LookupArgs {
  readonly kind: 'lookup'
  readonly question: Question
  /** The word after `@`: a host name or an address, with or without a port. Undefined: see `findServer`. */
  readonly server: string | undefined
  readonly port: number | undefined
  readonly options: LookupOptions
  readonly args: ParsedArgs
}

export const lookupFlags: Flags = {
  p: { value: 'PORT', help: 'Port of the server (default 53); without @SERVER, on this machine' },
  tcp: { help: 'Ask over TCP (default: UDP, and TCP when the reply is truncated)' },
  timeout: { value: 'MILLISECONDS', help: 'How long to wait for a reply (default 2000)' },
}

/** Parses the command line of a lookup. An IP address as NAME means its PTR. `answersOnly`: see LookupOptions. */
export function parseLookup(args: readonly string[], command: Command, answersOnly: boolean): LookupArgs | Exit {
  const parsed = parseArgs(args, { ...command, mixed: true })
  if (parsed.kind === 'exit') return parsed
  const servers = parsed.positional.filter((word) => word.startsWith('@'))
  const [name, typeText, ...surplus] = parsed.positional.filter((word) => !word.startsWith('@'))
  if (name === undefined) return misuse(command, 'NAME is missing')
  if (surplus.length > 0) return misuse(command, `unexpected argument '${surplus[0]}'`)
  if (servers.length > 1) return misuse(command, `only one server can be asked: ${servers.join(' ')}`)
  const address = parseAddress(name)
  const type = typeNumber((typeText ?? (address ? 'PTR' : 'A')).toUpperCase())
  if (type === undefined) return misuse(command, `unknown record type '${typeText}': use A, AAAA, SRV, … or TYPE123`)
  const port = integerFlag(parsed, 'p', 1, 65_535)
  const timeout = integerFlag(parsed, 'timeout', 1, 600_000)
  if (Number.isNaN(port)) return misuse(command, `invalid port '${parsed.given.get('p')}'`)
  if (Number.isNaN(timeout))
    return misuse(command, `invalid timeout '${parsed.given.get('timeout')}': must be 1 to 600000 milliseconds`)
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
    if (error instanceof NameError) return misuse(command, `invalid name '${name}': ${error.message}`)
    throw error
  }
}

/**
 * The server to ask: the one after `@`; without one, this machine if a port was given (a server under test), else the
 * first of the system's resolvers. Rejects with an Error for people when a host name cannot be resolved.
 */
export async function findServer({ server, port }: LookupArgs): Promise<Server> {
  if (server === undefined && port !== undefined) return { address: '127.0.0.1', port }
  const written = server ?? getServers()[0] ?? '127.0.0.1'
  if (isIP(written)) return { address: written, port: port ?? 53 }
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(written)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new Error(`invalid server '@${written}': use @ADDRESS, @ADDRESS:PORT or @[IPV6]:PORT`)
  const given = match?.[3] === undefined ? undefined : Number(match[3])
  return { address: await resolve(host), port: port ?? given ?? 53 }
}

async function resolve(host: string): Promise<string> {
  if (isIP(host)) return host
  try {
    const found = await resolveHost(host, { all: true })
    return (found.find(({ address }) => isIPv4(address)) ?? found[0]).address
  } catch {
    throw new Error(`cannot resolve the server '${host}': use its IP address`)
  }
}
