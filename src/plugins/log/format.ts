/** The format of a log line: text with placeholders, compiled once. */
import { className, rcodeName, typeName } from '../../dns/codes.ts'
import type { Logged } from './logged.ts'

export type Format = (logged: Logged) => string

/** Stands for a missing value. */
const missing = '-'

const common =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}'
export const defaultFormat = common

/** Text from outside is in names only, and they spell what is not printable as `\DDD`: no query can forge a line. */
const placeholders: Readonly<Record<string, Format>> = {
  '{type}': ({ type }) => typeName(type),
  '{class}': (logged) => className(logged.class),
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
  '{rcode}': ({ reply }) => (reply ? rcodeName(reply.rcode) : missing),
  '{>rflags}': ({ reply }) => (reply ? flagNames(reply.flags) : missing),
  '{rsize}': ({ reply }) => String(reply?.octets ?? 0),
  '{duration}': ({ seconds }) => `${seconds.toFixed(9).replace(/\.?0+$/, '')}s`,
}

/** Compiles a format. Words in braces that are not placeholders stay as they are; metadata (`{/…}`) is missing. */
export function compileFormat(text: string): Format {
  const whole = text.replaceAll('{common}', common).replaceAll('{combined}', `${common} "{>opcode}"`)
  const parts = whole.split(/(\{[^{}]*\})/).map((part): Format => {
    if (Object.hasOwn(placeholders, part)) return placeholders[part]
    return /^\{\/.*\}$/.test(part) ? () => missing : () => part
  })
  return (logged) => {
    let line = ''
    for (const part of parts) line += part(logged)
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
