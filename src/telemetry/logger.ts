import { type Clock, systemClock } from '../scheduling/clock.ts'
import { createLineWriter } from './line-writer.ts'
import type { LogFields, Logger } from './log.ts'
import { formatEntry, type LogEntry, type LogFormat } from './log-format.ts'

/** Lines per second and level that are written; the rest is only counted. A burst may be one second more. */
const linesPerSecond: Readonly<Record<Level, number>> = {
  debug: 1_000,
  // The query log (`log`) writes at this level: one line per query of the chain.
  info: 20_000,
  warning: 100,
  error: 100,
}

type Level = 'debug' | 'info' | 'warning' | 'error'

const second = 1_000

export interface LoggerOptions {
  /** Takes complete lines, including the newline; must neither wait nor throw. Default: standard output. */
  readonly write?: (lines: string) => void
  /** Whether `debug` lines are written initially. Default: no. */
  readonly debug?: boolean
  readonly clock?: Clock
  /** Default: text. */
  readonly format?: LogFormat
}

/** Characters counted as one line: longer lines count as several, so that octets are limited too. */
const charactersPerLine = 256

/** Maximum characters of an entry: text from outside (messages of the API server, names) may have any length. */
const maxEntry = 8 * 1024

/**
 * The log. Each level is limited to its rate: omitted lines are counted and reported within a second, so that readers know that
 * the log is incomplete.
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { clock = systemClock, debug = false, format = 'text' } = options
  const output = options.write ?? standardOutput(format, clock)
  const write = (entry: Omit<LogEntry, 'time'>): void => output(formatEntry[format]({ ...entry, time: clock.wall() }))
  let debugging = debug
  const levels = {
    debug: limited('debug', write, clock),
    info: limited('info', write, clock),
    warning: limited('warning', write, clock),
    error: limited('error', write, clock),
  }

  function loggerOf(plugin: string): Logger {
    return {
      structured: format === 'json',
      debug(text) {
        if (debugging) levels.debug(plugin, text)
      },
      info: (text, fields) => levels.info(plugin, text, fields),
      warning: (text) => levels.warning(plugin, text),
      error: (text) => levels.error(plugin, text),
      plugin: loggerOf,
      setDebug(on) {
        debugging = on
      },
    }
  }
  return loggerOf('')
}

function standardOutput(format: LogFormat, clock: Clock): (lines: string) => void {
  const lost = (count: number): string => {
    const text = `${count} log lines lost: standard output is not read fast enough`
    return formatEntry[format]({ level: 'warning', plugin: '', text, time: clock.wall() })
  }
  const writer = createLineWriter(process.stdout, lost)
  process.once('exit', writer.flush)
  return writer.write
}

/** A token bucket for one level. */
function limited(
  level: Level,
  write: (entry: Omit<LogEntry, 'time'>) => void,
  clock: Clock,
): (plugin: string, text: string, fields?: LogFields) => void {
  const rate = linesPerSecond[level]
  let tokens = rate
  let refilledAt = clock.now()
  let suppressed = 0

  function refill(): void {
    const now = clock.now()
    tokens = Math.min(rate, tokens + ((now - refilledAt) / second) * rate)
    refilledAt = now
  }

  function logSuppressed(): void {
    const text = `${suppressed} ${level.toUpperCase()} lines left out: more than ${rate} a second`
    write({ level: 'warning', plugin: '', text })
    suppressed = 0
  }

  return (plugin, text, fields) => {
    // A record's fields are about as long as a line.
    const cost = Math.max(1, Math.min(text.length, maxEntry) / charactersPerLine) + (fields ? 1 : 0)
    if (tokens < cost) refill()
    if (tokens < cost) {
      if (suppressed++ === 0) clock.after(second, logSuppressed)
      return
    }
    tokens -= cost
    write({ level, plugin, text: shortened(text), fields })
  }
}

const shortened = (text: string): string =>
  text.length > maxEntry ? `${text.slice(0, maxEntry)}… (${text.length} characters)` : text
