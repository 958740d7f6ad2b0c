/** Standard output and standard error of a command. */
import type { Io, Output } from './args.ts'

/**
 * The streams of this process. What others wrote (names, annotations, replies) cannot steer the terminal, and a command whose
 * output nobody takes ends without a word: with 0 where the reader has what it wanted (`slicedns watch | head -1`), with 1
 * where the output is lost (a full disk).
 */
export function standardIo(): Io {
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1))
  // There is no place left to say so.
  process.stderr.on('error', () => {})
  return { stdout: outputTo(process.stdout), stderr: outputTo(process.stderr) }
}

/** Without a size, as on a serial line, a screen counts as one of 80 by 24. */
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
 * Control characters, and those without a width that turn the direction of a line or hide in it, as `\u001b`, which means the
 * same inside of a JSON string. Lines and tabs stay.
 */
export const printable = (text: string): string => text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped)

/** The same for a text that is part of a line. */
export const printableLine = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escaped)

const escaped = (character: string): string =>
  Array.from({ length: character.length }, (_, at) => {
    const unit = character.charCodeAt(at).toString(16)
    return `\\u${unit.padStart(4, '0')}`
  }).join('')
