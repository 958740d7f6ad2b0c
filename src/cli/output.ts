/** Standard output and standard error of a command. */
import type { Io, Output } from './args.ts'

/**
 * The streams of this process. Text from outside (names, annotations, replies) cannot control the terminal. A command whose output
 * nobody reads ends silently: with code 0 if the reader has what it wanted (`slicedns watch | head -1`), with 1 if the output is
 * lost (a full disk).
 */
export function standardIo(): Io {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  // Nowhere is left to report it.
  process.stderr.on('error', () => {})
  return { stdout: outputTo(process.stdout), stderr: outputTo(process.stderr) }
}

/** A screen without a size, as on a serial line, counts as 80 by 24. */
const outputTo = (stream: NodeJS.WriteStream): Output => ({
  write: (text) => stream.write(printable(text)),
  screen: stream.isTTY
    ? {
        write: (text) => void stream.write(text),
        size: () => ({ columns: stream.columns || 80, rows: stream.rows || 24 }),
      }
    : undefined,
})

/**
 * Escapes control characters, and invisible ones that change the direction of a line or hide in it, as `\u001b`, which has the
 * same meaning in a JSON string. Newlines and tabs are kept.
 */
export const printable = (text: string): string => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped)

/** The same for a text inside a line. */
export const printableLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped)

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16)
    return `\\u${unit.padStart(4, '0')}`
  }).join('')
