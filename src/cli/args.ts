/** Command lines in Go's flag syntax, as CoreDNS's are: `-conf F`, `-conf=F`, `--conf F`; `--` ends the flags. */

import { parseDuration } from '../corefile/values.ts'

/** The output of a command. */
export interface Io {
  readonly stdout: Output
  readonly stderr: Output
}

export interface Output {
  /** Escapes what is not printable. */
  write(text: string): unknown
  /** Present if a person is looking; undefined for files and pipes. */
  readonly screen?: Screen | undefined
}

export interface Screen {
  /** Writes control sequences unchanged: text from outside must be made printable first. */
  write(text: string): void
  size(): { readonly columns: number; readonly rows: number }
}

/** One flag of a command. `value` names its value in the usage text; a flag without it is boolean. */
export interface Flag {
  readonly value?: string
  readonly help: string
  /** The flag that this one is another name of. If that is boolean, `value` is the only word that sets it. */
  readonly same?: string
}

export type Flags = Readonly<Record<string, Flag>>

/** `--json`, and `-o json` as in kubectl. */
export const jsonFlags = (help: string): Flags => ({
  json: { help },
  o: { value: 'json', help: 'The same', same: 'json' },
})

export const wantsJson = ({ given }: ParsedArgs): boolean => given.get('json') === 'true'

export interface Command {
  /** The synopsis: `slicedns query NAME [TYPE]`. */
  readonly usage: string
  /** What the usage calls the name (default NAME). */
  readonly subject?: string
  readonly flags: Flags
  /** Flags may follow positional arguments. Go's parser, which CoreDNS uses, stops at the first positional one. */
  readonly mixed?: boolean
  /** Complete command lines, for the help. */
  readonly examples?: readonly string[]
}

/** The module of a command. */
export interface CommandModule {
  /** Resolves to the exit code. */
  run(args: string[], io: Io): Promise<number>
}

export interface ParsedArgs {
  readonly kind: 'parsed'
  /** Values by flag; an alias counts as the flag itself. */
  readonly given: ReadonlyMap<string, string>
  readonly positional: readonly string[]
}

/** Prints a text instead of running the command: the usage on request (code 0), or a mistake (code 2). */
export interface Exit {
  readonly kind: 'exit'
  readonly code: number
  readonly text: string
}

/** Parses a command line. If a flag is given twice the last value counts. */
export function parseArgs(args: readonly string[], command: Command): ParsedArgs | Exit {
  const given = new Map<string, string>()
  const positional: string[] = []
  const rest = [...args]
  while (rest.length > 0) {
    const arg = rest.shift()!
    if (arg === '--') {
      positional.push(...rest.splice(0))
      break
    }
    if (!/^-./.test(arg)) {
      positional.push(arg)
      if (!command.mixed) positional.push(...rest.splice(0))
      continue
    }
    const { name, value } = splitFlag(arg)
    if (name === '') return misuse(command, `bad flag syntax: ${arg}`)
    if (!Object.hasOwn(command.flags, name)) {
      if (name === 'h' || name === 'help') return { kind: 'exit', code: 0, text: usageText(command) }
      return misuse(command, `flag provided but not defined: -${name}`)
    }
    const flag = command.flags[name]
    const own = flag.same ?? name
    if (flag.value === undefined) {
      if (!/^(1|0|t|f|true|false)$/i.test(value ?? 'true'))
        return misuse(command, `invalid boolean value "${value}" for -${name}`)
      given.set(own, String(/^(1|t|true)$/i.test(value ?? 'true')))
      continue
    }
    const taken = value ?? rest.shift()
    if (taken === undefined) return misuse(command, `flag needs an argument: -${name}`)
    if (command.flags[own].value === undefined) {
      if (taken !== flag.value) return misuse(command, `invalid value "${taken}" for -${name}: must be ${flag.value}`)
      given.set(own, 'true')
      continue
    }
    given.set(own, taken)
  }
  return { kind: 'parsed', given, positional }
}

/** `-name`, `--name`, `-name=value`. The name is '' if the syntax is invalid (`---x`, `-=x`). */
function splitFlag(arg: string): { name: string; value: string | undefined } {
  const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(arg)
  return match ? { name: match[1], value: match[2] } : { name: '', value: undefined }
}

/** The message, the usage and exit code 2, for an invalid command line. */
export function misuse(command: Command, message: string): Exit {
  return { kind: 'exit', code: 2, text: `${message}\n${usageText(command)}` }
}

function usageText({ usage, flags, examples = [] }: Command): string {
  const lines = Object.entries(flags).map(
    ([name, { value, help }]) => `  -${name}${value === undefined ? '' : ` ${value}`}\n    \t${help}\n`,
  )
  const shown = examples.length === 0 ? '' : `Examples:\n${examples.map((line) => `  ${line}\n`).join('')}`
  return `Usage: ${usage}\n${lines.join('')}${shown}`
}

/** Prints the text: help to stdout, a mistake to stderr. */
export function printExit(exit: Exit, io: Io): number {
  ;(exit.code === 0 ? io.stdout : io.stderr).write(exit.text)
  return exit.code
}

/** A flag's value as an integer in a range; undefined if the flag is absent, NaN if the value is invalid. */
export function integerFlag(args: ParsedArgs, name: string, min: number, max: number): number | undefined {
  const text = args.given.get(name)
  if (text === undefined) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : Number.NaN
}

/** A flag's value as milliseconds: a number of them, or a duration as Go writes it (`500ms`, `2m`). See integerFlag. */
export function durationFlag(args: ParsedArgs, name: string, min: number, max: number): number | undefined {
  const text = args.given.get(name)
  if (text === undefined) return undefined
  const value = /^\d{1,9}$/.test(text) ? Number(text) : (parseDuration(text) ?? Number.NaN)
  return value >= min && value <= max ? Math.round(value) : Number.NaN
}
