/** The format of a log line: text with placeholders, compiled once. */
import { className, rcodeName, typeName } from '../../dns/codes.ts'
import type { Message } from '../../dns/message.ts'
import type { Query } from '../../plugin/query.ts'
import { messageOctets } from '../../plugin/size.ts'

/** What a line is made from. */
export interface Logged {
  readonly query: Query
  /** Undefined when the client got nothing. */
  readonly message: Message | undefined
  readonly seconds: number
}

export type Format = (logged: Logged) => string

/** What stands for a value that there is not. */
const missing = '-'

const common =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}'
export const defaultFormat = common

const placeholders: Readonly<Record<string, Format>> = {
  '{type}': ({ query }) => typeName(query.qtype),
  '{class}': ({ query }) => className(query.qclass),
  '{name}': ({ query }) => query.name,
  '{proto}': ({ query }) => (query.transport === 'udp' ? 'udp' : 'tcp'),
  '{size}': ({ query }) => String(messageOctets(query.request)),
  '{remote}': ({ query }) => bracketed(query.client.address),
  '{port}': ({ query }) => String(query.client.port),
  '{local}': ({ query }) => bracketed(query.local.address),
  '{>id}': ({ query }) => String(query.request.id),
  '{>opcode}': ({ query }) => String(query.request.opcode),
  '{>do}': ({ query }) => String(query.request.edns?.dnssecOk ?? false),
  '{>bufsize}': ({ query }) => String(payloadSize(query)),
  '{rcode}': ({ message }) => (message ? rcodeName(message.rcode) : missing),
  '{>rflags}': ({ message }) => (message ? flags(message) : missing),
  '{rsize}': ({ message }) => String(message ? messageOctets(message) : 0),
  '{duration}': ({ seconds }) => `${seconds.toFixed(9).replace(/\.?0+$/, '')}s`,
}

/** Compiles a format. Words in braces that are no placeholders stay as they are, metadata (`{/…}`) is missing. */
export function compileFormat(text: string): Format {
  const whole = text.replaceAll('{common}', common).replaceAll('{combined}', `${common} "{>opcode}"`)
  const parts = whole.split(/(\{[^{}]*\})/).map((part): Format => {
    if (Object.hasOwn(placeholders, part)) return placeholders[part]
    return /^\{\/.*\}$/.test(part) ? () => missing : () => part
  })
  return (logged) => parts.map((part) => part(logged)).join('')
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

/** The octets that the client can take: RFC 6891 §6.2.3 counts sizes below 512 as 512. */
function payloadSize({ transport, request }: Query): number {
  return transport === 'udp' ? Math.max(512, request.edns?.payloadSize ?? 512) : 65_535
}

function flags(message: Message): string {
  const set = [
    message.response && 'qr',
    message.authoritative && 'aa',
    message.truncated && 'tc',
    message.recursionDesired && 'rd',
    message.recursionAvailable && 'ra',
    message.reserved && 'z',
    message.authenticData && 'ad',
    message.checkingDisabled && 'cd',
  ]
  return set.filter(Boolean).join(',')
}
