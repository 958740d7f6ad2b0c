/** The command line that `query`, `watch` and `latency` share: NAME [TYPE] [@SERVER], flags, and the server to ask. */
import { getServers } from 'node:dns'
import { lookup as resolveHost } from 'node:dns/promises'
import { isIP, isIPv4 } from 'node:net'
import { parseAddress, reverseName } from '../dns/address.ts'
import { typeNumber } from '../dns/codes.ts'
import { isSubdomain, lowerName, NameError, parseName } from '../dns/name.ts'
import { type Question, type Server, serverText } from './answer.ts'
import {
  type Command,
  durationFlag,
  type Exit,
  type Flags,
  integerFlag,
  misuse,
  type ParsedArgs,
  parseArgs,
} from './args.ts'
import type { LookupOptions } from './lookup-client.ts'
import { localServers } from './running-server.ts'

export interface LookupArgs {
  readonly kind: 'lookup'
  readonly question: Question
  /** The word after `@`: a host name or address, with or without a port. Undefined: see `findServer`. */
  readonly server: string | undefined
  readonly port: number | undefined
  readonly options: LookupOptions
  readonly args: ParsedArgs
}

export const lookupFlags: Flags = {
  p: { value: 'PORT', help: 'Port of the server (default 53); without @SERVER, on this machine' },
  tcp: { help: 'Ask over TCP (default: UDP, and TCP when the reply is truncated)' },
  timeout: { value: 'DURATION', help: 'How long to wait for a reply, as 500ms or 2s (default 2s)' },
  x: { help: 'NAME is an address: look up its PTR, which is also the default for an address' },
}

/** Flags of commands about a Service. */
export const serviceFlags: Flags = {
  namespace: { value: 'NAMESPACE', help: 'Namespace of the Service; without it, the name must be complete' },
  n: { value: 'NAMESPACE', help: 'The same', same: 'namespace' },
  zone: { value: 'ZONE', help: 'Zone of the cluster, for -namespace (default cluster.local)' },
}

/** Parses the command line of a lookup. An IP address as NAME means its PTR. `answersOnly`: see LookupOptions. */
export function parseLookup(args: readonly string[], command: Command, answersOnly: boolean): LookupArgs | Exit {
  const parsed = parseArgs(args, { ...command, mixed: true })
  if (parsed.kind === 'exit') return parsed
  const servers = parsed.positional.filter((word) => word.startsWith('@'))
  const [written, typeText, ...surplus] = parsed.positional.filter((word) => !word.startsWith('@'))
  if (written === undefined) return misuse(command, `${command.subject ?? 'NAME'} is missing`)
  if (surplus.length > 0) return misuse(command, `unexpected argument '${surplus[0]}'`)
  if (servers.length > 1) return misuse(command, `only one server can be asked: ${servers.join(' ')}`)
  const { namespace, zone = 'cluster.local' } = Object.fromEntries(parsed.given)
  const name = namespace === undefined ? written : `${written}.${namespace}.svc.${zone}`
  const address = parseAddress(name)
  if (parsed.given.get('x') === 'true' && !address) return misuse(command, `-x takes an address, not '${name}'`)
  const type = typeNumber((typeText ?? (address ? 'PTR' : 'A')).toUpperCase())
  if (type === undefined) return misuse(command, `unknown record type '${typeText}': use A, AAAA, SRV, … or TYPE123`)
  const port = integerFlag(parsed, 'p', 1, 65_535)
  // If the command has its own `timeout`, the lookup's is `reply-timeout`.
  const ofReply = Object.hasOwn(command.flags, 'reply-timeout') ? 'reply-timeout' : 'timeout'
  const timeout = durationFlag(parsed, ofReply, 1, 600_000)
  if (Number.isNaN(port)) return misuse(command, `invalid port '${parsed.given.get('p')}'`)
  if (Number.isNaN(timeout))
    return misuse(command, `invalid ${ofReply} '${parsed.given.get(ofReply)}': must be a duration from 1ms to 10m`)
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
 * The server to ask: the one after `@`; otherwise this machine if a port was given (a server under test), else the slicedns
 * running here, else the first of the system's resolvers. Rejects with an Error if a host name cannot be resolved, or if several
 * servers run here.
 */
export async function findServer({ server, port, question }: LookupArgs): Promise<Server> {
  if (server === undefined && port !== undefined) return { address: '127.0.0.1', port }
  const local = server === undefined ? await localServer(question.name) : undefined
  if (local) return local
  const written = server ?? getServers()[0] ?? '127.0.0.1'
  if (isIP(written)) return { address: written, port: port ?? 53 }
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(written)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) throw new Error(`invalid server '@${written}': use @ADDRESS, @ADDRESS:PORT or @[IPV6]:PORT`)
  const given = match?.[3] === undefined ? undefined : Number(match[3])
  return { address: await resolve(host), port: port ?? given ?? 53 }
}

/** The listener of the local server that serves the name; undefined if no server runs that this user may ask. */
async function localServer(name: string): Promise<Server | undefined> {
  const running = (await localServers()).flatMap(({ status }) => status ?? [])
  const plain = running.map(({ listeners }) => listeners.filter(({ scheme }) => scheme === 'dns'))
  const places = plain.flatMap((listeners) => {
    const taken = listeners.find(({ zones }) => zones.some((zone) => isSubdomain(zone, lowerName(name))))
    const listener = taken ?? listeners[0]
    return listener ? [{ address: listener.address || '127.0.0.1', port: listener.port }] : []
  })
  if (places.length > 1)
    throw new Error(
      `several slicedns processes run here: choose with @SERVER: ${places.map((at) => `@${serverText(at)}`).join(' ')}`,
    )
  return places[0]
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
