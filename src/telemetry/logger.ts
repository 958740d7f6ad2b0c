import { type Clock, systemClock } from '../scheduling/clock.ts'
import { createLineWriter } from './line-writer.ts'
import type { LogFields, Logger } from './log.ts'
import { formatEntry, type LogEntry, type LogFormat } from './log-format.ts'

/** Lines per second of one level that are written before the rest is only counted; a burst may be one second more. */
const linesPerSecond: Readonly<Record<Level, number>> = {
  debug: 1_000,
  // The query log (`log`) writes at this level: one line for each query of the chain.
  info: 20_000,
  warning: 100,
  error: 100,
}

type Level = 'debug' | 'info' | 'warning' | 'error'

const second = 1_000

export interface LoggerOptions {
  /** Takes whole lines, newline included; it must neither wait nor throw. Default: standard output. */
  readonly write?: (lines: string) => void
  /** Whether `debug` lines are written from the start. Default: no. */
  readonly debug?: boolean
  readonly clock?: Clock
  /** Default: text. */
  readonly format?: LogFormat
}

/** Characters of a longer line than this count as further lines: the bound holds in octets, too. */
const charactersPerLine = 256

/** Characters of one entry. What others write (messages of the API server, names) may be as long as they like. */
const maxEntry = 8 * 1024

/**
 * The log. A flood of one level is cut at its rate: what was left out is counted and said within a second, so that a
 * reader knows that the log is not whole.
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

/** A token bucket in front of one level. */
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
    // The fields of a record are about as long as a line.
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
