/** Text about a query: a format with placeholders, compiled once (`log`, `dnstap`). */
import { className, rcodeName, typeName } from '../dns/codes.ts'
import { maxMessageOctets, plainUdpOctets } from '../dns/reply.ts'
import type { Query, SocketAddress } from './query.ts'

/** The facts of a query that a format can show. */
export interface QueryFacts {
  readonly id: number
  readonly opcode: number
  /** Lower case. */
  readonly name: string
  readonly type: number
  readonly class: number
  readonly transport: 'udp' | 'tcp'
  readonly client: SocketAddress
  readonly local: SocketAddress
  /** Of the query, uncompressed. */
  readonly octets: number
  readonly dnssecOk: boolean
  /** The largest payload that the client accepts. */
  readonly limit: number
  readonly reply: ReplyFacts | undefined
  /** Undefined where nothing is known of a reply yet. */
  readonly seconds: number | undefined
  readonly metadata?: Query['metadata']
}

export interface ReplyFacts {
  readonly rcode: number
  /** The second word of the header, of which QR to CD count. */
  readonly flags: number
  /** Uncompressed, without OPT, and before it is cut to the client's limit. */
  readonly octets: number
}

/** The largest reply for a client. RFC 6891 §6.2.3: payload sizes below 512 count as 512. */
export const payloadLimit = (protocol: 'udp' | 'tcp', payloadSize: number = plainUdpOctets): number =>
  protocol === 'udp' ? Math.max(plainUdpOctets, payloadSize) : maxMessageOctets

export type Format = (facts: QueryFacts) => string

/** Stands for a missing value. */
const missing = '-'

const common =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}'
export const defaultFormat = common

/** Only names contain text from outside, and they spell unprintable octets as `\DDD`: no query can forge a line. */
const placeholders: Readonly<Record<string, Format>> = {
  '{type}': ({ type }) => typeName(type),
  '{class}': (facts) => className(facts.class),
  '{name}': ({ name }) => name,
  '{proto}': ({ transport }) => transport,
  '{size}': ({ octets }) => String(octets),
  '{remote}': ({ client }) => bracketed(client.address),
  '{port}': ({ client }) => String(client.port),
  '{local}': ({ local }) => bracketed(local.address),
  '{>id}': ({ id }) => String(id),
  '{>opcode}': ({ opcode }) => String(opcode),
  '{>do}': ({ dnssecOk }) => String(dnssecOk),
  '{>bufsize}': ({ limit }) => String(limit),
  // An rcode without a name is shown as its number.
  '{rcode}': ({ reply }) => (reply ? rcodeName(reply.rcode).replace(/^RCODE/, '') : missing),
  '{>rflags}': ({ reply }) => (reply ? flagNames(reply.flags) : missing),
  '{rsize}': ({ reply, seconds }) => (seconds === undefined ? missing : String(reply?.octets ?? 0)),
  '{duration}': ({ seconds }) => (seconds === undefined ? missing : `${seconds.toFixed(9).replace(/\.?0+$/, '')}s`),
}

/** Whether a format has metadata, `{/LABEL}`. */
export const hasMetadata = (text: string): boolean => /\{\/[^{}]*\}/.test(text)

/** Compiles a format. Words in braces that are not placeholders stay as they are. */
export function compileFormat(text: string): Format {
  const whole = text.replaceAll('{common}', common).replaceAll('{combined}', `${common} "{>opcode}"`)
  const parts = whole.split(/(\{[^{}]*\})/).map((part): Format => {
    if (Object.hasOwn(placeholders, part)) return placeholders[part]
    if (!hasMetadata(part)) return () => part
    const label = part.slice(2, -1)
    return ({ metadata }) => metadata?.(label) ?? missing
  })
  return (facts) => {
    let line = ''
    for (const part of parts) line += part(facts)
    return line
  }
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

const names: readonly (readonly [number, string])[] = [
  [0x8000, 'qr'],
  [0x0400, 'aa'],
  [0x0200, 'tc'],
  [0x0100, 'rd'],
  [0x0080, 'ra'],
  [0x0040, 'z'],
  [0x0020, 'ad'],
  [0x0010, 'cd'],
]

function flagNames(flags: number): string {
  return names
    .filter(([bit]) => flags & bit)
    .map(([, name]) => name)
    .join(',')
}
