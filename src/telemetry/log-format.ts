/** The written form of log entries: CoreDNS's text, or a JSON object (docs/coredns-behaviour.md §12.1). */
import type { LogFields } from './log.ts'

export const logFormats = ['text', 'json'] as const
export type LogFormat = (typeof logFormats)[number]

export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warning' | 'error' | 'fatal'
  /** '' if no plugin writes it. */
  readonly plugin: string
  readonly text: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly fields?: LogFields | undefined
}

/** The entry with its newline. */
export const formatEntry: Readonly<Record<LogFormat, (entry: LogEntry) => string>> = {
  text: ({ level, plugin, text }) =>
    `[${level.toUpperCase()}] ${oneEntry(plugin === '' ? text : `plugin/${plugin}: ${text}`)}\n`,
  json: ({ level, plugin, text, time, fields }) => {
    const record = {
      time: new Date(time).toISOString(),
      level: level === 'warning' ? 'WARN' : level.toUpperCase(),
      msg: text,
      ...(plugin !== '' && { plugin }),
      ...fields,
    }
    return `${JSON.stringify(record).replace(unescaped, escaped)}\n`
  },
}

/** Control characters and line separators that JSON allows in strings, but terminals and line readers interpret. */
const unescaped = /[\u007f-\u009f\u2028\u2029]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/**
 * Text from outside (names, upstream errors) must not be able to forge a line or control a terminal: control characters become
 * `\xNN`, and lines after the first (stack traces) are indented, so that they cannot begin with a level.
 */
function oneEntry(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === '\n') return '\n    '
    if (character === '\t') return character
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
