import { type Clock, systemClock } from '../scheduling/clock.ts'
import { createLineWriter } from './line-writer.ts'
import type { Logger } from './log.ts'

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
  const { write = standardOutput(), debug = false, clock = systemClock } = options
  let debugging = debug
  const levels = {
    debug: limited('debug', write, clock),
    info: limited('info', write, clock),
    warning: limited('warning', write, clock),
    error: limited('error', write, clock),
  }

  function prefixed(prefix: string): Logger {
    return {
      debug(text) {
        if (debugging) levels.debug(prefix + text)
      },
      info: (text) => levels.info(prefix + text),
      warning: (text) => levels.warning(prefix + text),
      error: (text) => levels.error(prefix + text),
      plugin: (name) => prefixed(name === '' ? '' : `plugin/${name}: `),
      setDebug(on) {
        debugging = on
      },
    }
  }
  return prefixed('')
}

function standardOutput(): (lines: string) => void {
  const writer = createLineWriter(process.stdout)
  process.once('exit', writer.flush)
  return writer.write
}

/** A token bucket in front of one level. */
function limited(level: Level, write: (lines: string) => void, clock: Clock): (text: string) => void {
  const label = `[${level.toUpperCase()}] `
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
    write(`[WARNING] ${suppressed} ${level.toUpperCase()} lines left out: more than ${rate} a second\n`)
    suppressed = 0
  }

  return (text) => {
    const cost = Math.max(1, Math.min(text.length, maxEntry) / charactersPerLine)
    if (tokens < cost) refill()
    if (tokens < cost) {
      if (suppressed++ === 0) clock.after(second, logSuppressed)
      return
    }
    tokens -= cost
    write(`${label}${oneEntry(shortened(text))}\n`)
  }
}

const shortened = (text: string): string =>
  text.length > maxEntry ? `${text.slice(0, maxEntry)}… (${text.length} characters)` : text

/**
 * Text from outside (names, upstream errors) must not be able to forge a line or drive a terminal: control characters
 * become `\xNN`, and what follows a newline (stack traces) is indented, so that no such line begins with a level.
 */
function oneEntry(text: string): string {
  if (!/\p{Cc}/u.test(text)) return text
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === '\n') return '\n    '
    if (character === '\t') return character
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}
