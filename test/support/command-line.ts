/** The command line of a tool that `npm run` starts: what is wrong in it ends the process with a usage, exit code 2. */
import { existsSync } from 'node:fs'
import { parseArgs } from 'node:util'

/** What the value of an option must be: a whole number, any number from 0, the name of a file, a pattern, or of these words. */
type Kind = 'whole' | 'number' | 'file' | 'pattern' | readonly string[]

type Value<K extends Kind> = K extends 'whole' | 'number'
  ? number
  : K extends 'file'
    ? string
    : K extends 'pattern'
      ? RegExp
      : readonly string[]

type Values<Options extends Record<string, Kind>> = { readonly [Name in keyof Options]?: Value<Options[Name]> }

class UsageError extends Error {}

/** Values of the options that were given, a list of those from words, and the words in front of and behind them, at most `most`. */
export function readCommandLine<const Options extends Record<string, Kind>>(
  usage: string,
  options: Options,
  most = 0,
): { readonly values: Values<Options>; readonly words: readonly string[] } {
  try {
    return readArguments(options, most)
  } catch (error) {
    process.stderr.write(`${(error as Error).message.split('. ')[0]}\nusage: ${usage}\n`)
    process.exit(2)
  }
}

function readArguments<Options extends Record<string, Kind>>(options: Options, most: number) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: Object.fromEntries(
      Object.keys(options).map((name) => [name, { type: 'string', multiple: true } as const]),
    ),
  })
  if (positionals.length > most) throw new UsageError(`unexpected "${positionals[most]}"`)
  const read = Object.entries(values).map(([name, texts]) => [name, checked(name, options[name]!, texts as string[])])
  return { values: Object.fromEntries(read) as Values<Options>, words: positionals }
}

function checked(name: string, kind: Kind, texts: readonly string[]): unknown {
  const text = texts.at(-1)!
  const refuse = (what: string): never => {
    throw new UsageError(`--${name} must be ${what}, not "${text}"`)
  }
  switch (kind) {
    case 'whole':
      return /^\d{1,15}$/.test(text) ? Number(text) : refuse('a whole number')
    case 'number':
      return /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : refuse('a number')
    case 'file':
      return existsSync(text) ? text : refuse('a file')
    case 'pattern':
      try {
        return new RegExp(text)
      } catch {
        return refuse('a regular expression')
      }
    default:
      return texts.every((word) => kind.includes(word)) ? texts : refuse(`one of ${kind.join(', ')}`)
  }
}
